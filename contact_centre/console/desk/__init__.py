"""The operator's page: telephone, card of the caller, draft of the appeal, what else is owed."""
