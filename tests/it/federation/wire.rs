//! A wire between two nodes that can be cut.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::harness::within;

/// Passes bytes on as long as it is whole. Clones are the same wire.
#[derive(Clone)]
pub(super) struct Wire {
    address: SocketAddr,
    ends: Arc<Ends>,
    _passing: Arc<JoinSet<()>>,
}

struct Ends {
    leads_to: watch::Sender<Option<SocketAddr>>,
    is_whole: watch::Sender<bool>,
    /// Calls that found it cut.
    in_vain: watch::Sender<u32>,
}

impl Wire {
    /// A wire that is whole, and leads nowhere yet.
    pub(super) async fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("bound");
        let ends = Arc::new(Ends {
            leads_to: watch::channel(None).0,
            is_whole: watch::channel(true).0,
            in_vain: watch::channel(0).0,
        });
        let mut passing = JoinSet::new();
        passing.spawn(pass_on(listener, Arc::clone(&ends)));
        Self { address, ends, _passing: Arc::new(passing) }
    }

    /// Where it is called, as an endpoint.
    pub(super) fn endpoint(&self) -> String {
        format!("https://{}", self.address)
    }

    pub(super) fn leads_to(&self, end: SocketAddr) {
        self.ends.leads_to.send_replace(Some(end));
    }

    /// Breaks what is connected, and lets nothing through any more.
    pub(super) fn cut(&self) {
        self.ends.is_whole.send_replace(false);
    }

    /// Lets everything through again.
    pub(super) fn mend(&self) {
        self.ends.is_whole.send_replace(true);
    }

    /// Is cut for so long.
    pub(super) async fn cut_for(self, time: Duration) {
        self.cut();
        tokio::time::sleep(time).await;
        self.mend();
    }

    /// Waits until another call has found it cut, and not fewer than so many since it is there.
    pub(super) async fn called_in_vain(&self, calls: u32) {
        let mut in_vain = self.ends.in_vain.subscribe();
        let mut first = true;
        while first || *in_vain.borrow_and_update() < calls {
            first = false;
            within(in_vain.changed()).await.expect("the wire is there");
        }
    }
}

async fn pass_on(listener: TcpListener, ends: Arc<Ends>) {
    let mut connections = JoinSet::new();
    while let Ok((from, _)) = listener.accept().await {
        let mut is_whole = ends.is_whole.subscribe();
        if !*is_whole.borrow_and_update() {
            ends.in_vain.send_modify(|calls| *calls += 1);
            continue;
        }
        let end = *ends.leads_to.borrow();
        connections.spawn(async move {
            tokio::select! {
                () = connect(from, end) => {}
                _ = is_whole.wait_for(|is_whole| !is_whole) => {}
            }
        });
        while connections.try_join_next().is_some() {}
    }
}

/// Where nobody listens, the caller is dropped.
async fn connect(mut from: TcpStream, end: Option<SocketAddr>) {
    let Some(end) = end else { return };
    if let Ok(mut to) = TcpStream::connect(end).await {
        // Either end may go at any time.
        drop(copy_bidirectional(&mut from, &mut to).await);
    }
}
