"""Payment providers and bank-notification services, one folder each."""
