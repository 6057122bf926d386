//! Reads all segments of an epoch in order and checks every group.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;

use super::{Damage, DataLoss, OpenError, Witness, tail};
use crate::chain::Chain;
use crate::disk::Disk;
use crate::format::group::{Group, GroupHeader, HEADER_BYTES};
use crate::format::{Fault, SECTOR};
use crate::planted::planted;
use crate::reader::{IndexedSegment, Marks, Shared};
use crate::segment::{self, SEGMENT_SUFFIX, Window};
use crate::space::{Attempt, DiskFailure};

/// A segment with groups that are intact, or none.
#[derive(Debug)]
pub(crate) struct FoundSegment {
    pub(crate) first_position: u64,
    pub(crate) path: PathBuf,
    /// Where its groups end.
    pub(crate) end: u64,
    pub(crate) marks: Marks,
    /// Something stands after `end` that the next segment has taken over.
    pub(crate) uncut: bool,
}

/// The last intact group: nothing proves that it is durable.
#[derive(Debug)]
pub(crate) struct LastGroup {
    /// Index into the segments found.
    pub(crate) segment: usize,
    pub(crate) offset: u64,
    pub(crate) header: GroupHeader,
    pub(crate) bytes: Bytes,
}

/// What an epoch's segments hold.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) segments: Vec<FoundSegment>,
    pub(crate) last: Option<LastGroup>,
    pub(crate) next_position: u64,
    pub(crate) next_group_no: u64,
    pub(crate) last_start_no: u64,
    pub(crate) chain: Chain,
    pub(crate) dropped_bytes: u64,
}

impl Found {
    /// What writer and readers share of it.
    pub(crate) fn shared(self, disk: Arc<dyn Disk>) -> Arc<Shared> {
        let segments = self.segments.into_iter().map(|segment| IndexedSegment {
            first_position: segment.first_position,
            path: segment.path,
            end: segment.end,
            marks: segment.marks,
        });
        Arc::new(Shared::new(disk, segments.collect(), self.next_position))
    }
}

/// Why a scan did not come to its end.
pub(super) enum Stop {
    Damage(Damage),
    Disk(std::io::Error),
}

impl From<Damage> for Stop {
    fn from(damage: Damage) -> Self {
        Self::Damage(damage)
    }
}

impl From<std::io::Error> for Stop {
    fn from(error: std::io::Error) -> Self {
        Self::Disk(error)
    }
}

/// Reads and checks everything, and changes nothing.
pub(crate) fn scan(
    disk: &dyn Disk,
    dir: &Path,
    epoch: u64,
    witnesses: &[Witness],
) -> Result<Found, OpenError> {
    match look(disk, dir, epoch, witnesses)? {
        (found, None) => Ok(found),
        (_, Some(error)) => Err(error),
    }
}

/// The same; where it does not come to its end, what there is up to there, and why.
pub(super) fn look(
    disk: &dyn Disk,
    dir: &Path,
    epoch: u64,
    witnesses: &[Witness],
) -> Result<(Found, Option<OpenError>), DiskFailure> {
    let firsts = segment::numbers(disk, dir, SEGMENT_SUFFIX).attempt("list", dir)?;
    let mut scanner = Scanner::new(epoch, witnesses);
    for (index, &first) in firsts.iter().enumerate() {
        let path = dir.join(segment::name(first, SEGMENT_SUFFIX));
        let file = disk.open(&path).attempt("open", &path)?;
        let window = Window::new(file).attempt("measure", &path)?;
        scanner.begin(first, path);
        let stop = match scanner.segment(window, first, firsts.get(index + 1).copied()) {
            Ok(()) => continue,
            Err(stop) => stop,
        };
        return Ok(scanner.stopped(stop));
    }
    Ok(scanner.finish(dir))
}

/// The segment that an epoch begins with.
pub(super) fn first_segment(disk: &dyn Disk, dir: &Path) -> Result<Option<PathBuf>, DiskFailure> {
    let numbers = segment::numbers(disk, dir, SEGMENT_SUFFIX).attempt("list", dir)?;
    Ok(numbers.first().map(|first| dir.join(segment::name(*first, SEGMENT_SUFFIX))))
}

struct Scanner<'a> {
    epoch: u64,
    witnesses: &'a [Witness],
    found: Found,
    /// The segment before this one has an uncut tail, so this one must begin
    /// with the group that it took over.
    takes_over: bool,
    offset: u64,
}

impl<'a> Scanner<'a> {
    const fn new(epoch: u64, witnesses: &'a [Witness]) -> Self {
        let found = Found {
            segments: Vec::new(),
            last: None,
            next_position: 0,
            next_group_no: 0,
            last_start_no: 0,
            chain: Chain::START,
            dropped_bytes: 0,
        };
        Self { epoch, witnesses, found, takes_over: false, offset: 0 }
    }

    fn begin(&mut self, first_position: u64, path: PathBuf) {
        self.offset = 0;
        self.found.segments.push(FoundSegment {
            first_position,
            path,
            end: 0,
            marks: Marks::default(),
            uncut: false,
        });
    }

    /// Reads one segment up to the first position of the next, if there is one.
    fn segment(&mut self, mut window: Window, first: u64, next: Option<u64>) -> Result<(), Stop> {
        if first != self.found.next_position {
            return Err(Damage::Missing { next_segment: first }.into());
        }
        self.check_history()?;
        if !window.length().is_multiple_of(SECTOR as u64) {
            return Err(Damage::Cut.into());
        }
        loop {
            if next == Some(self.found.next_position) {
                let uncut = window.end_of_content(self.offset)?.is_some();
                self.current().uncut = uncut;
                self.takes_over = uncut;
                return Ok(());
            }
            if next.is_some_and(|next| next < self.found.next_position) {
                return Err(Damage::Misplaced.into());
            }
            match self.group(&mut window)? {
                Ok((header, bytes, chain)) => self.accept(header, bytes, chain)?,
                Err(fault) => return self.end(&mut window, fault, next),
            }
        }
    }

    /// The group at the offset, or what is wrong with it.
    fn group(
        &self,
        window: &mut Window,
    ) -> Result<Result<(GroupHeader, Bytes, Chain), Fault>, Stop> {
        let header = match GroupHeader::parse(&window.get(self.offset, HEADER_BYTES as u64)?) {
            Ok(header) => header,
            Err(fault) => return Ok(Err(fault)),
        };
        let follows = header.epoch == self.epoch
            && header.first_position == self.found.next_position
            && header.group_no == self.found.next_group_no
            && (header.start_no == self.found.last_start_no
                || header.start_no == self.found.last_start_no.saturating_add(1))
            && header.start_no != 0;
        if !follows && !planted("accept-stale-group") {
            // Its own checksum matches: no torn write leaves this.
            return Err(Damage::Misplaced.into());
        }
        let bytes = window.get(self.offset, header.extent() as u64)?;
        let checked = Group::open(header, &bytes)
            .and_then(|group| group.chain_after(self.found.chain))
            .map(|chain| (header, bytes, chain));
        Ok(checked)
    }

    fn accept(&mut self, header: GroupHeader, bytes: Bytes, chain: Chain) -> Result<(), Stop> {
        let offset = self.offset;
        self.offset += bytes.len() as u64;
        let end = self.offset;
        let current = self.current();
        current.marks.add(header.first_position, offset);
        current.end = end;
        self.takes_over = false;
        let found = &mut self.found;
        found.next_position = header.next_position();
        found.next_group_no = header.group_no + 1;
        found.last_start_no = header.start_no;
        found.chain = chain;
        found.last = Some(LastGroup { segment: found.segments.len() - 1, offset, header, bytes });
        // A witness that knows a chain has seen a group end where it stands.
        let inside = header.first_position + 1..header.next_position();
        let split = self
            .witnesses
            .iter()
            .find(|witness| witness.chain.is_some() && inside.contains(&witness.position));
        if let Some(&Witness { claimant, position, .. }) = split {
            return Err(Damage::History { claimant, position }.into());
        }
        self.check_history()
    }

    /// No group stands at the offset: decides whether this is where the
    /// journal ends.
    fn end(&mut self, window: &mut Window, fault: Fault, next: Option<u64>) -> Result<(), Stop> {
        let content = window.end_of_content(self.offset)?;
        if let Some(next_segment) = next {
            // That segment was named once all before it was durable.
            return Err(match content {
                Some(_) => Damage::Group(fault).into(),
                None => Damage::Missing { next_segment }.into(),
            });
        }
        if self.takes_over {
            return Err(Damage::Group(fault).into());
        }
        // The last sector of a segment is never written to, so that a file
        // which was cut after a group does not look like one that ends there.
        if content.unwrap_or(self.offset) >= window.length() {
            return Err(match content {
                Some(_) => Damage::Group(fault).into(),
                None => Damage::Cut.into(),
            });
        }
        self.check_witnesses()?;
        if let Some(content_end) = content {
            self.found.dropped_bytes = tail::torn(window, self.offset, content_end, fault)?;
        }
        Ok(())
    }

    fn finish(self, dir: &Path) -> (Found, Option<OpenError>) {
        if self.found.segments.is_empty()
            && let Err(stop) = self.check_witnesses()
        {
            let mut scanner = self;
            scanner.begin(0, dir.to_owned());
            return scanner.stopped(stop);
        }
        (self.found, None)
    }

    /// Every witness of this very position must have seen this chain.
    fn check_history(&self) -> Result<(), Stop> {
        let position = self.found.next_position;
        let other = self.witnesses.iter().find(|witness| {
            witness.position == position && witness.chain.is_some_and(|c| c != self.found.chain)
        });
        other.map_or(Ok(()), |witness| {
            Err(Damage::History { claimant: witness.claimant, position }.into())
        })
    }

    /// No witness may have seen the journal go on from here.
    fn check_witnesses(&self) -> Result<(), Stop> {
        if planted("accept-shorter-journal") {
            return Ok(());
        }
        let beyond = self.witnesses.iter().filter(|w| w.position > self.found.next_position);
        beyond.max_by_key(|witness| witness.position).map_or(Ok(()), |witness| {
            let Witness { claimant, position, .. } = *witness;
            Err(Damage::Witness { claimant, position }.into())
        })
    }

    fn current(&mut self) -> &mut FoundSegment {
        self.found.segments.last_mut().expect("`begin` is called before a segment is read")
    }

    fn stopped(self, stop: Stop) -> (Found, Option<OpenError>) {
        let segment = self.found.segments.last().map_or_else(PathBuf::new, |s| s.path.clone());
        let error = match stop {
            Stop::Damage(damage) => OpenError::DataLoss(DataLoss {
                segment,
                position: self.found.next_position,
                offset: self.offset,
                damage,
            }),
            Stop::Disk(source) => DiskFailure { action: "read", path: segment, source }.into(),
        };
        (self.found, Some(error))
    }
}
