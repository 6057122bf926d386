use std::collections::BTreeMap;
use std::sync::mpsc::{channel, sync_channel};
use std::thread;

use super::*;
use crate::tests::parts::Parts;

#[test]
fn the_writer_does_not_wait_for_the_projector() {
    let mut parts = Parts::new();
    let groups: Vec<Group> = (0..300).map(|_| parts.group()).collect();
    let (group_queue, waiting) = sync_channel(1);
    let (commands, _told) = channel();
    let (grown, _never_looks) = sync_channel(1);
    let (done, released) = channel();
    let writer = Writer {
        progress: Arc::new(Progress::new(0)),
        journal: parts.journal,
        blobs: parts.blobs,
        snapshots: parts.snapshots,
        groups: waiting,
        commands,
        grown,
        inboxes: BTreeMap::new(),
    };
    let running = thread::spawn(move || writer.run());
    thread::spawn(move || {
        for mut group in groups {
            let done = done.clone();
            group.releases.push(Box::new(move || done.send(()).unwrap()));
            group_queue.send(group).unwrap();
        }
    });
    for place in 0..300 {
        let answer = released.recv_timeout(Duration::from_secs(30));
        assert!(answer.is_ok(), "the answer of group {place} is kept back");
    }
    running.join().unwrap().unwrap();
    assert_eq!(parts.reader.next_position(), 300);
}
