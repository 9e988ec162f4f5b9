//! Examples live beside this folder.
