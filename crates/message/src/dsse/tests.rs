use super::{PayloadType, pae, pae_of};

#[test]
fn the_published_example_is_encoded_as_published() {
    // DSSE protocol 1.0, "Test Vectors".
    let expected = b"DSSEv1 29 http://example.com/HelloWorld 11 hello world";
    assert_eq!(pae_of("http://example.com/HelloWorld", b"hello world"), expected);
}

#[test]
fn every_payload_type_reads_back_and_signs_other_bytes() {
    for kind in PayloadType::ALL {
        assert_eq!(PayloadType::parse(kind.as_str()), Some(kind));
        for other in PayloadType::ALL {
            assert_eq!(pae(kind, b"x") == pae(other, b"x"), kind == other);
        }
    }
    assert_eq!(PayloadType::parse("application/vnd.barid.header.v2+protobuf"), None);
}
