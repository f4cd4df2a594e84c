"""Tables and sentences without a screen: what the command line, the application and pages show."""
