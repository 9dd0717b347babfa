"""Who may sign what for which agency: the register, and what it says about each step."""
