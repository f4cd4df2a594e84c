"""Events of Inspect logs as they are read: one class of event, one renderer. Runs where Inspect is loaded."""
