//! Puts the translations of one matter together.

use super::alert::{Codes, Info};

/// Info blocks that differ in language only. Never empty, each language once.
#[derive(Debug)]
pub(crate) struct Matter<'a>(Vec<&'a Info>);

impl<'a> Matter<'a> {
    /// The block that stands first.
    pub(crate) fn first(&self) -> &'a Info {
        self.0.first().expect("a matter is made with one block")
    }

    pub(crate) fn codes(&self) -> &'a Codes {
        &self.first().codes
    }

    pub(crate) fn infos(&self) -> &[&'a Info] {
        &self.0
    }

    /// Whether a block is another translation of this matter.
    fn takes(&self, info: &Info) -> bool {
        let first = self.first();
        let shapes =
            |info: &Info| info.areas.iter().map(|area| area.shape.clone()).collect::<Vec<_>>();
        first.codes == info.codes
            && shapes(first) == shapes(info)
            && self.0.iter().all(|known| known.words.language != info.words.language)
    }
}

/// The matters of an alert, in the order of their first blocks.
pub(crate) fn matters(infos: &[Info]) -> Vec<Matter<'_>> {
    let mut matters: Vec<Matter<'_>> = Vec::new();
    for info in infos {
        match matters.iter_mut().find(|matter| matter.takes(info)) {
            Some(matter) => matter.0.push(info),
            None => matters.push(Matter(vec![info])),
        }
    }
    matters
}
