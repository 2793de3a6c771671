//! What a file is, by what is in it: neither its name nor what its server says can be trusted.

use std::io::Cursor;

use image::{ImageDecoder as _, ImageReader, Limits, metadata::Orientation};
use serde_json::{Value, json};

/// So many bytes at the beginning of a file tell what it is, the size of a picture included.
pub(super) const BEGINNING: usize = 128 * 1024;

/// Pictures that take more bytes when they are unpacked are not: that is four million pixels of four bytes, and of many a
/// picture fewer.
const MOST_UNPACKED: u64 = 16_000_000;

/// What a decoder may take in bytes for itself.
const MOST_MEMORY: u64 = 32 << 20;

/// What a file is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Looked {
    /// `m.image`, `m.video`, `m.audio` or `m.file`.
    pub(super) msgtype: &'static str,
    /// MIME type.
    pub(super) mime: &'static str,
    /// Width and height in pixels, as shown.
    pub(super) size: Option<(u32, u32)>,
    /// The picture as a blur of some 30 characters (MSC2448), shown while it loads.
    pub(super) blurhash: Option<String>,
}

impl Looked {
    /// What the event says of the file, beside where it is.
    pub(super) fn about(&self, bytes: u64) -> Value {
        json!({"msgtype": self.msgtype, "info": self.info(bytes)})
    }

    /// The `info` of the event (Matrix spec, `m.image` and its kin).
    fn info(&self, bytes: u64) -> Value {
        let mut info = json!({"mimetype": self.mime, "size": bytes});
        if let Some((width, height)) = self.size {
            info["w"] = json!(width);
            info["h"] = json!(height);
        }
        if let Some(blurhash) = &self.blurhash {
            info["xyz.amorgan.blurhash"] = json!(blurhash);
        }
        info
    }
}

/// Looks at a file or its beginning. Takes a while for a picture that is there as a whole.
pub(super) fn look(bytes: &[u8], whole: bool) -> Looked {
    let (msgtype, mime) = kind(bytes, whole);
    let picture = (msgtype == "m.image")
        .then(|| picture(bytes, whole))
        .flatten();
    let (size, blurhash) = picture.map_or((None, None), |(size, blur)| (Some(size), blur));
    Looked {
        msgtype,
        mime,
        size,
        blurhash,
    }
}

fn kind(bytes: &[u8], whole: bool) -> (&'static str, &'static str) {
    let Some(found) = infer::get(bytes) else {
        return (
            "m.file",
            if is_text(bytes, whole) {
                "text/plain"
            } else {
                "application/octet-stream"
            },
        );
    };
    let mime = found.mime_type();
    let msgtype = match mime {
        // Those that clients show.
        "image/png" | "image/jpeg" | "image/gif" | "image/webp" | "image/avif" | "image/bmp" => {
            "m.image"
        }
        _ if mime.starts_with("video/") => "m.video",
        _ if mime.starts_with("audio/") && mime != "audio/midi" => "m.audio",
        _ => "m.file",
    };
    (msgtype, mime)
}

fn is_text(bytes: &[u8], whole: bool) -> bool {
    let sound = match std::str::from_utf8(bytes) {
        Ok(_) => true,
        // Cut in the middle of a character.
        Err(error) => !whole && error.error_len().is_none(),
    };
    sound && !bytes.contains(&0)
}

fn picture(bytes: &[u8], whole: bool) -> Option<((u32, u32), Option<String>)> {
    let mut reader = ImageReader::new(Cursor::new(bytes))
        .with_guessed_format()
        .ok()?;
    let mut limits = Limits::default();
    limits.max_alloc = Some(MOST_MEMORY);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().ok()?;
    let (width, height) = decoder.dimensions();
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let turned = matches!(
        orientation,
        Orientation::Rotate90
            | Orientation::Rotate270
            | Orientation::Rotate90FlipH
            | Orientation::Rotate270FlipH
    );
    let size = if turned {
        (height, width)
    } else {
        (width, height)
    };
    let small = whole && decoder.total_bytes() <= MOST_UNPACKED;
    let blur = small.then(|| blur(decoder, orientation)).flatten();
    Some((size, blur))
}

fn blur(decoder: impl image::ImageDecoder, orientation: Orientation) -> Option<String> {
    const SIDE: u32 = 32;
    let mut picture = image::DynamicImage::from_decoder(decoder)
        .ok()?
        .thumbnail(SIDE, SIDE);
    picture.apply_orientation(orientation);
    let pixels = picture.to_rgba8();
    let (x, y) = if pixels.width() >= pixels.height() {
        (4, 3)
    } else {
        (3, 4)
    };
    blurhash::encode(x, y, pixels.width(), pixels.height(), pixels.as_raw()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn painted(width: u32, height: u32, format: image::ImageFormat) -> Vec<u8> {
        let picture = image::RgbImage::from_fn(width, height, |x, y| {
            image::Rgb([
                (x * 255 / width).to_le_bytes()[0],
                (y * 255 / height).to_le_bytes()[0],
                90,
            ])
        });
        let mut bytes = Cursor::new(Vec::new());
        picture.write_to(&mut bytes, format).unwrap();
        bytes.into_inner()
    }

    #[test]
    fn a_picture_is_measured_and_blurred() {
        use image::ImageFormat::{Gif, Jpeg, Png, WebP};
        for (format, mime) in [
            (Png, "image/png"),
            (Jpeg, "image/jpeg"),
            (Gif, "image/gif"),
            (WebP, "image/webp"),
        ] {
            let bytes = painted(60, 40, format);
            let looked = look(&bytes, true);
            assert_eq!(
                (looked.msgtype, looked.mime, looked.size),
                ("m.image", mime, Some((60, 40)))
            );
            let blur = looked.blurhash.clone().unwrap();
            assert_eq!(blur.len(), 28, "{mime}");
            let info = looked.info(7);
            assert_eq!(
                info,
                json!({"mimetype": mime, "size": 7, "w": 60, "h": 40, "xyz.amorgan.blurhash": blur})
            );
        }
    }

    #[test]
    fn the_beginning_tells_the_size() {
        let bytes = painted(900, 700, image::ImageFormat::Png);
        let looked = look(&bytes[..1_000], false);
        assert_eq!((looked.size, looked.blurhash), (Some((900, 700)), None));
        let cut = look(&bytes[..1_000], true);
        assert_eq!(
            (cut.msgtype, cut.size, cut.blurhash),
            ("m.image", Some((900, 700)), None)
        );
        assert_eq!(look(&bytes[..9], true).size, None);
    }

    #[test]
    fn a_picture_that_unpacks_to_gigabytes_is_not_unpacked() {
        // A header of 60,000 times 60,000 pixels, and nothing behind it.
        let mut bomb = painted(8, 8, image::ImageFormat::Png);
        bomb[16..24].copy_from_slice(&[0, 0, 0xea, 0x60, 0, 0, 0xea, 0x60]);
        let looked = look(&bomb, true);
        assert_eq!((looked.msgtype, looked.blurhash), ("m.image", None));
        // All black, so of some ten kilobytes; and with two bytes for each colour, few enough pixels.
        let mut bytes = Cursor::new(Vec::new());
        let black = image::ImageBuffer::<image::Rgba<u16>, _>::new(1_600, 1_600);
        black.write_to(&mut bytes, image::ImageFormat::Png).unwrap();
        let looked = look(bytes.get_ref(), true);
        assert_eq!((looked.size, looked.blurhash), (Some((1_600, 1_600)), None));
        // One whose canvas is as large as GIF knows any, around a single pixel.
        let gif = b"GIF89a\xff\xff\xff\xff\x80\0\0\0\0\0\xff\xff\xff,\0\0\0\0\x01\0\x01\0\0\x02\x02D\x01\0;";
        let looked = look(gif, true);
        assert_eq!((looked.mime, looked.blurhash), ("image/gif", None));
    }

    #[test]
    fn of_a_moving_picture_one_frame_is_looked_at() {
        let mut bytes = Vec::new();
        {
            let mut encoder = image::codecs::gif::GifEncoder::new(&mut bytes);
            for shade in 0..200 {
                let frame = image::RgbaImage::from_pixel(8, 4, image::Rgba([shade, 0, 0, 255]));
                encoder.encode_frame(image::Frame::new(frame)).unwrap();
            }
        }
        let whole = look(&bytes, true);
        assert_eq!(whole.size, Some((8, 4)));
        // What stands behind the first does not matter, be it nonsense.
        bytes.truncate(bytes.len() / 2);
        assert_eq!(look(&bytes, true).blurhash, whole.blurhash);
        assert!(whole.blurhash.is_some());
    }

    #[test]
    fn what_is_in_it_counts() {
        for (bytes, msgtype, mime) in [
            (&b"<!DOCTYPE html><html><script>"[..], "m.file", "text/html"),
            (b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom", "m.video", "video/mp4"),
            (b"OggS\x00\x02\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00OpusHead", "m.audio", "audio/opus"),
            (b"ID3\x03\x00\x00\x00\x00\x00\x00", "m.audio", "audio/mpeg"),
            (b"%PDF-1.7 ...", "m.file", "application/pdf"),
            (b"plain words", "m.file", "text/plain"),
            ("gr\u{fc}n".as_bytes(), "m.file", "text/plain"),
            (b"\xff\xfe\x00\x01", "m.file", "application/octet-stream"),
            (b"", "m.file", "text/plain"),
            (b"a\0b", "m.file", "application/octet-stream"),
        ] {
            let looked = look(bytes, true);
            assert_eq!((looked.msgtype, looked.mime), (msgtype, mime));
        }
        assert_eq!(look(&"\u{fc}".as_bytes()[..1], false).mime, "text/plain");
        assert_eq!(
            look(&"\u{fc}".as_bytes()[..1], true).mime,
            "application/octet-stream"
        );
    }

    proptest::proptest! {
        #[test]
        fn nothing_makes_it_panic(start in 0_usize..6, rest in proptest::collection::vec(proptest::num::u8::ANY, 0..400)) {
            let starts: [&[u8]; 6] = [b"", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", b"\xff\xd8\xff\xe0", b"GIF89a", b"RIFF\0\0\0\0WEBPVP8L", b"BM"];
            let bytes = [starts[start], &rest].concat();
            look(&bytes, true);
        }
    }
}
