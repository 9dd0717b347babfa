"""``motcua demo``: one dossier through every leg, each step verified and not merely called."""
