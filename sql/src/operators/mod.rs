//! The operators of a streaming plan, one `*Exec` a file.
