//! One damage to a data folder.

use std::path::PathBuf;

use super::image::{File, Image};

const SECTOR: usize = 512;
const GROUP_MAGIC: &[u8] = b"\xFFBRDGRP\0";

/// Small, seeded, and good enough to choose by.
#[derive(Debug, Clone)]
pub(super) struct Chance(u64);

/// What was done.
#[derive(Debug, Default)]
pub(super) struct Harm {
    /// The folder of it.
    pub(super) place: &'static str,
    /// What kind of damage.
    pub(super) kind: &'static str,
    pub(super) file: PathBuf,
    pub(super) at: usize,
    pub(super) other: Option<PathBuf>,
}

impl Chance {
    pub(super) fn new(seed: u64) -> Self {
        // Neighbours must not begin alike.
        let mut chance = Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ 0xD1B5_4A32_D192_ED03);
        chance.below(2);
        chance
    }

    /// Less than `end`, which is not 0.
    pub(super) fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from((self.0 >> 11) % end as u64).unwrap()
    }

    fn of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())]
    }
}

impl Harm {
    /// Damages an image. With an older one, everything may be damaged, for witnesses know
    /// how far the journal went; else not the end of the journal, of which nobody knows.
    pub(super) fn new(image: &mut Image, older: Option<&Image>, chance: &mut Chance) -> Self {
        loop {
            let place = match chance.below(100) {
                0..38 => "journal",
                38..66 => "bodies",
                66..78 => "state",
                78..98 => "index",
                _ => "FORMAT",
            };
            let done = match place {
                "FORMAT" => Some(Self::within(image, place, chance, "flip")),
                "index" if older.is_none() => None,
                "index" => Some(Self::index(image, chance)),
                _ => Self::kept(image, older, place, chance),
            };
            if let Some(harm) = done {
                return harm;
            }
        }
    }

    /// In one file of a place.
    fn within(
        image: &mut Image,
        place: &'static str,
        chance: &mut Chance,
        kind: &'static str,
    ) -> Self {
        let which = chance.of(&image.of(place));
        Self::file(&mut image.files[which], usize::MAX, place, kind, chance)
    }

    /// In one file, and in front of `limit`.
    fn file(
        file: &mut File,
        limit: usize,
        place: &'static str,
        kind: &'static str,
        chance: &mut Chance,
    ) -> Self {
        let at = chance.below(file.bytes.len().min(limit));
        let harm = Self { place, kind, file: file.path.clone(), at, other: None };
        match kind {
            "flip" => file.bytes[at] ^= 1 << chance.below(8),
            "zeros" => {
                let sector = at - at % SECTOR;
                let end = file.bytes.len().min(sector + SECTOR);
                file.bytes[sector..end].fill(0);
            }
            "garbage" => {
                let end = file.bytes.len().min(at + 64);
                file.bytes[at..end].fill_with(|| u8::try_from(chance.below(256)).unwrap());
            }
            _ => file.cut(at),
        }
        harm
    }

    fn index(image: &mut Image, chance: &mut Chance) -> Self {
        match chance.of(&["flip", "zeros", "garbage", "cut", "missing", "all missing"]) {
            kind @ "missing" => Self::missing(image, "index", kind, chance),
            kind @ "all missing" => {
                image.files.retain(|file| !file.path.starts_with("index"));
                Self { place: "index", kind, ..Self::default() }
            }
            kind => Self::within(image, "index", chance, kind),
        }
    }

    fn missing(
        image: &mut Image,
        place: &'static str,
        kind: &'static str,
        chance: &mut Chance,
    ) -> Self {
        let which = chance.of(&image.of(place));
        let file = image.files.remove(which).path;
        Self { place, kind, file, ..Self::default() }
    }

    fn kept(
        image: &mut Image,
        older: Option<&Image>,
        place: &'static str,
        chance: &mut Chance,
    ) -> Option<Self> {
        let which = chance.of(&image.of(place));
        let is_last = place == "journal" && image.of(place).last() == Some(&which);
        let groups = groups(&image.files[which].bytes);
        let limit = match older {
            // A kill may have left one group in it, and nothing in front of that.
            None if is_last => *groups.last().filter(|at| **at > 0)?,
            _ => usize::MAX,
        };
        let file = &mut image.files[which];
        match chance.below(12) {
            0..4 => Some(Self::file(file, limit, place, "flip", chance)),
            4..6 => Some(Self::file(file, limit, place, "zeros", chance)),
            6 => Some(Self::file(file, limit, place, "cut", chance)),
            7 if place == "journal" => {
                let at = chance.of(&groups);
                file.cut(at);
                let file = file.path.clone();
                Some(Self { place, kind: "cut at a group", file, at, other: None })
            }
            8 if place == "journal" && older.is_some() => {
                let at = chance.of(&groups);
                file.bytes[at..].fill(0);
                let file = file.path.clone();
                Some(Self { place, kind: "groups gone", file, at, other: None })
            }
            // Without a witness nobody can know of it.
            9 if is_last && older.is_none() => None,
            9 => {
                let file = image.files.remove(which).path;
                Some(Self { place, kind: "missing", file, ..Self::default() })
            }
            10 => Self::swapped(image, which, place, chance),
            11 => {
                let then = older?.find(&file.path)?;
                if then.bytes == file.bytes {
                    return None;
                }
                *file = then.clone();
                let file = file.path.clone();
                Some(Self { place, kind: "older", file, ..Self::default() })
            }
            _ => None,
        }
    }

    /// Two files with each other's contents, as a rule of one place.
    fn swapped(
        image: &mut Image,
        which: usize,
        place: &'static str,
        chance: &mut Chance,
    ) -> Option<Self> {
        let elsewhere = chance.of(&[place, place, place, "journal", "bodies", "state"]);
        let other = chance.of(&image.of(elsewhere));
        if other == which {
            return None;
        }
        let names = [which, other].map(|at| image.files[at].path.clone());
        image.files.swap(which, other);
        let [file, other_name] = names;
        image.files[which].path.clone_from(&file);
        image.files[other].path.clone_from(&other_name);
        Some(Self { place, kind: "swapped", file, at: 0, other: Some(other_name) })
    }
}

/// Where groups begin.
fn groups(bytes: &[u8]) -> Vec<usize> {
    let starts = (0..bytes.len()).step_by(SECTOR);
    starts.filter(|at| bytes[*at..].starts_with(GROUP_MAGIC)).collect()
}
