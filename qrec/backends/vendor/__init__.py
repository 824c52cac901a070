"""Any vendor's `BackendV2`: opened, tested, run here or in a process of its own."""
