//! Gitter's Markdown and HTML to and from the contract's rich text.
