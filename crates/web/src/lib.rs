//! The pages people open, health and metrics.
