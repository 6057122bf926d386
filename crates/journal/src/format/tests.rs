//! Golden bytes come from a program in another language that shares nothing
//! with this one; what is random is read back.

use bytes::Bytes;
use proptest::collection::vec;
use proptest::prelude::*;

use super::group::{self, Group, GroupHeader, Place, Record, StoredRecord};
use super::snapshot::SnapshotHeader;
use super::{Fault, SECTOR, blob};
use crate::chain::{Chain, HASH_BYTES};

const GROUP: &str = concat!(
    "ff42524447525000",
    "00000000",
    "0000000000000007",
    "0000000000000003",
    "0000000000000009",
    "0102030405060708",
    "00000002",
    "0000004a",
    "f2f42cf8",
    "00000026",
    "0001",
    "0002",
    "0102030405060708",
    "0000018bcfe5687b",
    "00000006",
    "6c6561662d61",
    "00000004",
    "73696465",
    "0000001c",
    "ffff",
    "0001",
    "0102030405060709",
    "0000018bcfe5687c",
    "00000000",
    "00000000",
    "23ceb7070c3d3d2a1d5476567d404d369ff0118f8933f06974f2a450c6a14402",
    "6f81f980",
);
const BLOB: &str = concat!(
    "ff425244424c4200",
    "00000000",
    "0000",
    "00000000",
    "0000",
    "0000000d",
    "3bfaac10",
    "77686f6c65206d657373616765",
);
const SNAPSHOT: &str = concat!(
    "ff425244534e5000",
    "00000000",
    "0000000000000007",
    "000000000000002a",
    "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
    "0000000000000005",
    "e188b0c57ae261a43288bee70c4c17c47f5b62460f552e303420dfee9dd37e25",
    "7374617465",
);

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn counting_chain() -> Chain {
    let mut bytes = [0; HASH_BYTES];
    bytes.iter_mut().zip(0..).for_each(|(byte, number)| *byte = number);
    Chain::from_bytes(bytes)
}

fn place() -> Place {
    Place {
        epoch: 7,
        start_no: 3,
        group_no: 9,
        first_position: 0x0102_0304_0506_0708,
        chain: counting_chain(),
    }
}

fn record(kind: u16, version: u16, time_ms: u64, leaf: &[u8], side: &[u8]) -> Record {
    let (leaf, side) = (Bytes::copy_from_slice(leaf), Bytes::copy_from_slice(side));
    Record { kind, version, time_ms, leaf, side }
}

fn open(bytes: &Bytes, chain: Chain) -> Result<Vec<StoredRecord>, Fault> {
    let group = Group::open(GroupHeader::parse(bytes)?, bytes)?;
    group.chain_after(chain)?;
    group.records().collect()
}

#[test]
fn a_group_has_these_bytes() {
    let records = [
        record(1, 2, 1_700_000_000_123, b"leaf-a", b"side"),
        record(65_535, 1, 1_700_000_000_124, b"", b""),
    ];
    let mut bytes = Vec::new();
    let chain = group::encode(&mut bytes, &place(), &records);
    let golden = format!("{GROUP:0<width$}", width = 2 * SECTOR);
    assert_eq!(hex(&bytes), golden);
    assert!(GROUP.contains(&chain.to_string()));
    assert_eq!(bytes.len() as u64, group::group_bytes(&records));
}

#[test]
fn a_blob_has_these_bytes() {
    let bytes = blob::encode(b"whole message", 13);
    assert_eq!(hex(&bytes), BLOB);
    assert_eq!(blob::decode(&bytes.into(), 13).unwrap(), "whole message");
}

#[test]
fn a_snapshot_has_these_bytes() {
    let header = SnapshotHeader { epoch: 7, position: 42, chain: counting_chain() };
    let mut bytes = header.encode(b"state");
    bytes.extend_from_slice(b"state");
    assert_eq!(hex(&bytes), SNAPSHOT);
    assert_eq!(SnapshotHeader::decode(&bytes.into()), Ok((header, Bytes::from_static(b"state"))));
}

#[test]
fn another_format_is_named_and_not_read() {
    let mut bytes = Vec::new();
    group::encode(&mut bytes, &place(), &[record(1, 1, 0, b"x", b"")]);
    bytes[11] = 1;
    let checksum = crc32c::crc32c(&bytes[..group::HEADER_BYTES - 4]);
    bytes[group::HEADER_BYTES - 4..group::HEADER_BYTES].copy_from_slice(&checksum.to_be_bytes());
    assert_eq!(GroupHeader::parse(&bytes), Err(Fault::Format(1)));
}

#[test]
fn an_encrypted_blob_is_refused_and_not_returned_as_it_is() {
    let mut bytes = blob::encode(b"secret", 6);
    bytes[13] = 1;
    let checksum = crc32c::crc32c_append(crc32c::crc32c(&bytes[..24]), &bytes[28..]);
    bytes[24..28].copy_from_slice(&checksum.to_be_bytes());
    assert_eq!(blob::decode(&bytes.into(), 6), Err(Fault::Unsupported));
}

fn any_record() -> impl Strategy<Value = Record> {
    let bytes = || vec(any::<u8>(), 0..700).prop_map(Bytes::from);
    (any::<u16>(), any::<u16>(), any::<u64>(), bytes(), bytes()).prop_map(
        |(kind, version, time_ms, leaf, side)| Record { kind, version, time_ms, leaf, side },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn groups_read_back(records in vec(any_record(), 1..12), damage in any::<prop::sample::Index>()) {
        let mut bytes = Vec::new();
        group::encode(&mut bytes, &place(), &records);
        prop_assert_eq!(bytes.len() as u64, group::group_bytes(&records));

        let read = open(&Bytes::copy_from_slice(&bytes), counting_chain()).unwrap();
        let expected: Vec<StoredRecord> = (place().first_position..)
            .zip(records)
            .map(|(position, record)| {
                let Record { kind, version, time_ms, leaf, side } = record;
                StoredRecord { position, kind, version, time_ms, leaf, side }
            })
            .collect();
        prop_assert_eq!(read, expected);

        let at = damage.index(bytes.len());
        bytes[at] ^= 0x10;
        prop_assert!(open(&bytes.into(), counting_chain()).is_err());
    }

    #[test]
    fn a_group_does_not_open_on_another_chain(records in vec(any_record(), 1..4)) {
        let mut bytes = Vec::new();
        group::encode(&mut bytes, &place(), &records);
        prop_assert_eq!(open(&bytes.into(), Chain::START), Err(Fault::Chain));
    }

    #[test]
    fn blobs_read_back(message in vec(any::<u8>(), 0..2000), damage in any::<prop::sample::Index>()) {
        let length = u32::try_from(message.len()).unwrap();
        let mut frame = blob::encode(&message, length);
        prop_assert_eq!(blob::decode(&Bytes::copy_from_slice(&frame), length).unwrap(), message);
        let at = damage.index(frame.len());
        frame[at] ^= 1;
        prop_assert!(blob::decode(&frame.into(), length).is_err());
    }

    #[test]
    fn snapshots_read_back(
        epoch: u64,
        position: u64,
        body in vec(any::<u8>(), 0..2000),
        damage in any::<prop::sample::Index>(),
    ) {
        let header = SnapshotHeader { epoch, position, chain: counting_chain() };
        let mut file = header.encode(&body);
        file.extend_from_slice(&body);
        let read = SnapshotHeader::decode(&Bytes::copy_from_slice(&file));
        prop_assert_eq!(read, Ok((header, Bytes::from(body))));
        let at = damage.index(file.len());
        file[at] ^= 1;
        prop_assert!(SnapshotHeader::decode(&file.into()).is_err());
    }

    #[test]
    fn nothing_makes_the_readers_panic(bytes in vec(any::<u8>(), 0..300)) {
        let bytes = Bytes::from(bytes);
        prop_assert!(open(&bytes, Chain::START).is_err());
        prop_assert!(blob::decode(&bytes, 5).is_err());
        prop_assert!(SnapshotHeader::decode(&bytes).is_err());
    }
}
