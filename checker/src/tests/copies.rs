//! Rows that arrive in pieces.

use crate::CheckError;
use crate::copy::Rows;

/// Two rows of a text and a bigint.
fn stream() -> Vec<u8> {
    let mut bytes = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0".to_vec();
    for (text, number) in [("first", 1_i64), ("", -2)] {
        bytes.extend_from_slice(&2_u16.to_be_bytes());
        bytes.extend_from_slice(&u32::try_from(text.len()).expect("short").to_be_bytes());
        bytes.extend_from_slice(text.as_bytes());
        bytes.extend_from_slice(&8_u32.to_be_bytes());
        bytes.extend_from_slice(&number.to_be_bytes());
    }
    bytes.extend_from_slice(&0xffff_u16.to_be_bytes());
    bytes
}

fn read(pieces: &[&[u8]]) -> Result<Vec<(String, i64)>, CheckError> {
    let (mut rows, mut read) = (Rows::default(), Vec::new());
    for piece in pieces {
        rows.push(piece);
        while let Some(mut row) = rows.next_row()? {
            read.push((row.text()?.to_owned(), row.bigint()?));
        }
    }
    Ok(read)
}

#[test]
fn rows_are_whole_however_they_are_cut() {
    let stream = stream();
    let expected = [("first".to_owned(), 1), (String::new(), -2)];
    for cut in 0..=stream.len() {
        let (before, after) = stream.split_at(cut);
        assert_eq!(read(&[before, after]).expect("rows"), expected, "cut at {cut}");
    }
    let single: Vec<&[u8]> = stream.chunks(1).collect();
    assert_eq!(read(&single).expect("rows"), expected);
}

#[test]
fn what_is_no_copy_is_refused() {
    assert!(matches!(
        read(&[b"position,aggregate_type,aggregate_id"]),
        Err(CheckError::Copy(_))
    ));
}
