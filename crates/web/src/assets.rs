//! The two files the pages refer to. Their address changes with their content, so browsers may keep them for ever.

use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::IntoResponse;

const STYLE: &str = include_str!("../assets/style.css");
const ICON: &str = include_str!("../assets/icon.svg");
const FOR_EVER: &str = "public, max-age=31536000, immutable";

/// Path and version of the stylesheet.
pub(crate) fn style_path() -> String {
    format!("/style.css?v={:016x}", fingerprint(STYLE.as_bytes()))
}

/// Path and version of the icon.
pub(crate) fn icon_path() -> String {
    format!("/icon.svg?v={:016x}", fingerprint(ICON.as_bytes()))
}

pub(crate) async fn style() -> impl IntoResponse {
    (
        [
            (CONTENT_TYPE, "text/css; charset=utf-8"),
            (CACHE_CONTROL, FOR_EVER),
        ],
        STYLE,
    )
}

pub(crate) async fn icon() -> impl IntoResponse {
    (
        [(CONTENT_TYPE, "image/svg+xml"), (CACHE_CONTROL, FOR_EVER)],
        ICON,
    )
}

/// FNV-1a, 64 bits: enough to tell one release's file from the next.
const fn fingerprint(bytes: &[u8]) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    let mut at = 0;
    while at < bytes.len() {
        hash = (hash ^ bytes[at] as u64).wrapping_mul(0x0000_0100_0000_01b3);
        at += 1;
    }
    hash
}
