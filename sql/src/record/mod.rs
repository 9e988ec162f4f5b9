//! Text records (JSON, CSV, text lines) to Arrow and back, with Spark's meaning per field.
