//! Stops the reading of data from another thread, for people who press Ctrl-C.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;

use futures::task::AtomicWaker;

/// A switch that stops the work on a paid question. Cheap to clone; once raised it stays raised.
///
/// *Guarantee*: it acts only while data is read. Between the first draw of noise and the seal
/// nothing looks at it, so that no noisy value is ever drawn and thrown away.
#[derive(Clone, Debug, Default)]
pub struct Interrupt {
    parts: Arc<Parts>,
}

#[derive(Debug, Default)]
struct Parts {
    raised: AtomicBool,
    waker: AtomicWaker,
}

impl Interrupt {
    /// A switch that nobody has raised.
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks the work to stop at its next opportunity.
    pub fn raise(&self) {
        self.parts.raised.store(true, Ordering::SeqCst);
        self.parts.waker.wake();
    }

    fn is_raised(&self) -> bool {
        self.parts.raised.load(Ordering::SeqCst)
    }

    /// The outcome of `work`, or nothing if the switch was raised before it ended.
    pub(crate) async fn unless_raised<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        let mut work = pin!(work);
        poll_fn(|context| {
            // Registered before the look, or a switch raised in between would wake nobody.
            self.parts.waker.register(context.waker());
            if self.is_raised() {
                return Poll::Ready(None);
            }
            work.as_mut().poll(context).map(Some)
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use tokio::runtime::Builder;

    use super::*;

    fn block_on<T>(work: impl Future<Output = T>) -> T {
        Builder::new_current_thread().build().unwrap().block_on(work)
    }

    #[test]
    fn work_that_nobody_stops_ends() {
        assert_eq!(block_on(Interrupt::new().unless_raised(async { 1 })), Some(1));
    }

    #[test]
    fn work_that_would_wait_for_ever_is_stopped_from_another_thread() {
        let interrupt = Interrupt::new();
        let other = interrupt.clone();
        let stopper = std::thread::spawn(move || other.raise());
        let waiting = std::future::pending::<()>();
        assert_eq!(block_on(interrupt.unless_raised(waiting)), None);
        assert!(stopper.join().is_ok());
    }

    #[test]
    fn work_is_not_begun_once_stopped() {
        let interrupt = Interrupt::new();
        interrupt.raise();
        let begun = async { unreachable!("the work was begun") };
        assert_eq!(block_on(interrupt.unless_raised::<()>(begun)), None);
    }
}
