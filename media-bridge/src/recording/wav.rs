//! The head of a WAV file, which can be put right only when it is known how long the sound is.

use std::fs::File;
use std::io::{self, Seek as _, SeekFrom, Write as _};

/// As the built-in recorder writes it: PCM of 16 bits, one channel.
pub(super) const SAMPLE_RATE: u32 = 48_000;
pub(super) const HEAD_BYTES: u64 = 44;
const SAMPLE_BYTES: u32 = 2;

/// Writes the lengths that the head of a file of this size should say. Half a sample at its end is cut off.
pub(super) fn complete(file: &mut File, bytes: u64) -> io::Result<()> {
    let data = bytes.saturating_sub(HEAD_BYTES) & !1;
    file.set_len(HEAD_BYTES + data)?;
    file.seek(SeekFrom::Start(0))?;
    file.write_all(&head(u32::try_from(data).unwrap_or(u32::MAX)))
}

pub(super) fn duration_ms(bytes: u64) -> u64 {
    let second = u64::from(SAMPLE_RATE * SAMPLE_BYTES);
    bytes.saturating_sub(HEAD_BYTES).saturating_mul(1_000) / second
}

fn head(data: u32) -> Vec<u8> {
    let mut head = Vec::with_capacity(44);
    head.extend(b"RIFF");
    head.extend(data.saturating_add(36).to_le_bytes());
    head.extend(b"WAVEfmt ");
    head.extend(16_u32.to_le_bytes());
    head.extend(1_u16.to_le_bytes()); // PCM
    head.extend(1_u16.to_le_bytes()); // channels
    head.extend(SAMPLE_RATE.to_le_bytes());
    head.extend((SAMPLE_RATE * SAMPLE_BYTES).to_le_bytes());
    head.extend(2_u16.to_le_bytes()); // bytes of a sample of all channels
    head.extend(16_u16.to_le_bytes()); // bits of a sample
    head.extend(b"data");
    head.extend(data.to_le_bytes());
    head
}
