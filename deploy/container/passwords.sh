#!/bin/sh
# Run once by the PostgreSQL image, after roles.sql.
set -eu
psql --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" <<SQL
ALTER ROLE dockcast_worker PASSWORD '$WORKER_PASSWORD';
ALTER ROLE dockcast_app PASSWORD '$APP_PASSWORD';
SQL
