//! A wire between two nodes that can be cut.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// Passes bytes on as long as it is whole.
pub(super) struct Wire {
    address: SocketAddr,
    end: Arc<Mutex<Option<SocketAddr>>>,
    whole: watch::Sender<bool>,
    _tasks: JoinSet<()>,
}

impl Wire {
    pub(super) async fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("bound");
        let end = Arc::new(Mutex::new(None));
        let (whole, is_whole) = watch::channel(true);
        let mut tasks = JoinSet::new();
        tasks.spawn(pass_on(listener, Arc::clone(&end), is_whole));
        Self { address, end, whole, _tasks: tasks }
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(super) fn leads_to(&self, end: SocketAddr) {
        *self.end.lock().unwrap_or_else(PoisonError::into_inner) = Some(end);
    }

    /// Breaks what is connected, and lets nothing through for so long.
    pub(super) async fn cut(&self, time: Duration) {
        self.tear();
        tokio::time::sleep(time).await;
        self.mend();
    }

    /// Breaks what is connected, and lets nothing through.
    pub(super) fn tear(&self) {
        self.whole.send_replace(false);
    }

    /// Lets new connections through again.
    pub(super) fn mend(&self) {
        self.whole.send_replace(true);
    }
}

async fn pass_on(
    listener: TcpListener,
    end: Arc<Mutex<Option<SocketAddr>>>,
    is_whole: watch::Receiver<bool>,
) {
    let mut connections = JoinSet::new();
    loop {
        let Ok((mut from, _)) = listener.accept().await else {
            return;
        };
        let end = *end.lock().unwrap_or_else(PoisonError::into_inner);
        let mut is_whole = is_whole.clone();
        connections.spawn(async move {
            let (Some(end), true) = (end, *is_whole.borrow_and_update()) else {
                return;
            };
            // Where nobody listens, the caller is dropped.
            if let Ok(mut to) = TcpStream::connect(end).await {
                tokio::select! {
                    _ = copy_bidirectional(&mut from, &mut to) => {}
                    _ = is_whole.wait_for(|is_whole| !is_whole) => {}
                }
            }
        });
        while connections.try_join_next().is_some() {}
    }
}
