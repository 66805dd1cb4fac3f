"""Every sentence and format on screen."""
