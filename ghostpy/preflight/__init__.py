"""May we? One question a module; each returns findings, and all of them are collected before anything is decided."""
