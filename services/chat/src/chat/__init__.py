"""Live chat: channels, visitors, dialogs and their closes."""
