"""PDF signatures: sign, inspect, validate, attest. Knows no dossier and no database."""
