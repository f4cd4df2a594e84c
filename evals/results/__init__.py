"""Results: logs read and indexed, statistics, the scoreboard and its exports."""
