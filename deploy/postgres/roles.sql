-- Two roles for Dockcast on PostgreSQL: workers own the tables, apps read them.
--
-- Run once by a superuser in the new, empty database, before the first worker starts:
--
--     createdb dockcast && psql -d dockcast -f deploy/postgres/roles.sql
--     psql -d dockcast -c '\password dockcast_worker' -c '\password dockcast_app'
--
-- Workers: DOCKCAST_STORE=postgresql+psycopg://dockcast_worker:…@HOST/dockcast
-- Apps:    DOCKCAST_STORE=postgresql+psycopg://dockcast_app:…@HOST/dockcast  DOCKCAST_WORKER=false
--
-- It may be run again at any time, also on a database whose tables are there already, if dockcast_worker owns
-- them.

DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'dockcast_worker') THEN
        CREATE ROLE dockcast_worker LOGIN;
    END IF;
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'dockcast_app') THEN
        CREATE ROLE dockcast_app LOGIN;
    END IF;
END $$;

REVOKE CREATE ON SCHEMA public FROM PUBLIC;
GRANT USAGE, CREATE ON SCHEMA public TO dockcast_worker;
GRANT USAGE ON SCHEMA public TO dockcast_app;

-- An app reads all that there is and will be.
GRANT SELECT ON ALL TABLES IN SCHEMA public TO dockcast_app;
ALTER DEFAULT PRIVILEGES FOR ROLE dockcast_worker IN SCHEMA public GRANT SELECT ON TABLES TO dockcast_app;

-- It writes two things: how a made-up or recorded city is to be played (pause, speed, begin anew), and that
-- somebody wants a feed to be tried now. Which run has begun, the worker alone says. The tables are the worker's
-- to make, so the grants wait for them.
CREATE OR REPLACE FUNCTION public.dockcast_let_apps_play() RETURNS event_trigger LANGUAGE plpgsql
SET search_path = pg_catalog AS $$
BEGIN
    IF to_regclass('public.playbacks') IS NOT NULL THEN
        GRANT INSERT, UPDATE (at, wall, speed, paused, begin, run) ON public.playbacks TO dockcast_app;
    END IF;
    IF to_regclass('public.tries') IS NOT NULL THEN
        GRANT INSERT, UPDATE (at) ON public.tries TO dockcast_app;
    END IF;
END $$;
REVOKE ALL ON FUNCTION public.dockcast_let_apps_play() FROM PUBLIC;

DROP EVENT TRIGGER IF EXISTS dockcast_let_apps_play;
CREATE EVENT TRIGGER dockcast_let_apps_play ON ddl_command_end WHEN TAG IN ('CREATE TABLE')
    EXECUTE FUNCTION public.dockcast_let_apps_play();

DO $$
BEGIN
    IF to_regclass('public.playbacks') IS NOT NULL THEN
        GRANT INSERT, UPDATE (at, wall, speed, paused, begin, run) ON public.playbacks TO dockcast_app;
    END IF;
    IF to_regclass('public.tries') IS NOT NULL THEN
        GRANT INSERT, UPDATE (at) ON public.tries TO dockcast_app;
    END IF;
END $$;

-- After each checkpoint of the server a page goes into the log whole. Compressed, a night is a quarter less log.
ALTER ROLE dockcast_worker SET wal_compression = on;

-- A page that asks too much is its own problem, not the workers'.
ALTER ROLE dockcast_app SET statement_timeout = '20s';
