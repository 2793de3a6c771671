//! Rich text as a plain body that reads well.
