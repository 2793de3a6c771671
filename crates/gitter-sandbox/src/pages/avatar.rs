//! Pictures of people and communities: a pattern drawn from the name, another one for every version.

use http::{StatusCode, header};
use sha2::{Digest as _, Sha256};

use crate::answer::{Answer, Request};
use crate::world::World;

/// Cells along a side; the right half mirrors the left.
const CELLS: u32 = 7;
const SMALLEST: u32 = 16;
const LARGEST: u32 = 512;

/// A square PNG for whatever the path names; `?s=` is its side in pixels, 128 if not given.
pub(crate) fn answer(world: &World, path: &[&str], request: &Request) -> Answer {
    let side = request
        .query("s")
        .and_then(|side| side.parse().ok())
        .unwrap_or(128);
    let side = Ord::clamp(side, SMALLEST, LARGEST);
    let name = path.last().copied().unwrap_or_default();
    // The picture of a person whose address has no version still changes with the version.
    let version = world.user_named(name).map_or(0, |user| user.avatar_version);
    let digest = Sha256::digest(format!("{name}/{version}"));
    match draw(&digest, side) {
        Ok(picture) => Answer::of(StatusCode::OK, "image/png", picture)
            .with(header::CACHE_CONTROL, "public, max-age=60"),
        Err(error) => Answer::of(
            StatusCode::INTERNAL_SERVER_ERROR,
            "text/plain",
            error.to_string(),
        ),
    }
}

fn draw(digest: &[u8], side: u32) -> Result<Vec<u8>, png::EncodingError> {
    let byte = |at: u32| {
        digest
            .get(at as usize % digest.len().max(1))
            .copied()
            .unwrap_or(0)
    };
    let ink = [byte(29) | 0x40, byte(30) / 2 + 40, byte(31) | 0x30];
    let paper = [238, 240, 243];
    let mut pixels = Vec::with_capacity((side * side * 3) as usize);
    for y in 0..side {
        for x in 0..side {
            let (column, row) = (x * CELLS / side, y * CELLS / side);
            let column = column.min(CELLS - 1 - column);
            let filled = byte(column * CELLS + row) % 2 == 0;
            pixels.extend(if filled { ink } else { paper });
        }
    }
    let mut out = Vec::new();
    let mut encoder = png::Encoder::new(&mut out, side, side);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.write_header()?.write_image_data(&pixels)?;
    Ok(out)
}
