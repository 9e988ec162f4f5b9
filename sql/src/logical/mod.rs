//! The nodes of a streaming plan that DataFusion does not know, one a file.
