//! Faults that are planted on purpose, to see that the tests find them.
//!
//! A place that must not go wrong in a certain way asks here whether it is to go wrong so
//! this time. In the product the answer is a constant and the question leaves nothing
//! behind. Only the feature `planted` makes it a question, which the package of the tests
//! alone can switch on, and `tests/planted-bugs.sh` alone does.

/// Whether the fault of this name is planted.
#[cfg(not(feature = "planted"))]
#[must_use]
pub const fn planted(_fault: &str) -> bool {
    false
}

/// Whether `BARID_PLANTED` names this fault.
#[cfg(feature = "planted")]
#[must_use]
pub fn planted(fault: &str) -> bool {
    use std::ffi::OsString;
    use std::sync::LazyLock;

    static PLANTED: LazyLock<Option<OsString>> =
        LazyLock::new(|| std::env::var_os("BARID_PLANTED"));
    PLANTED.as_ref().is_some_and(|name| name == fault)
}
