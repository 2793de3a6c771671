//! What the task that looks after a login's rooms is to do. Not a queue: whoever asks often for the same is served once, so that no
//! more can wait than there are rooms.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use remote::RoomId;
use tokio::sync::Notify;

use super::rooms::Job;

/// What is to be done.
#[derive(Debug, Default)]
pub(super) struct Jobs {
    wanted: Mutex<Wanted>,
    asked: Notify,
}

#[derive(Debug, Default)]
struct Wanted {
    compare: bool,
    /// One for each room.
    rooms: VecDeque<Job>,
}

impl Jobs {
    fn lock(&self) -> MutexGuard<'_, Wanted> {
        self.wanted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has something done. Of what is asked for one room, the latest counts.
    pub(super) fn ask(&self, job: Job) {
        let mut wanted = self.lock();
        match room(&job) {
            None => wanted.compare = true,
            Some(id) => {
                wanted.rooms.retain(|known| room(known) != Some(id));
                wanted.rooms.push_back(job);
            }
        }
        drop(wanted);
        self.asked.notify_one();
    }

    /// What is to be done for a single room.
    pub(super) fn of_room(&self) -> Option<Job> {
        self.lock().rooms.pop_front()
    }

    /// Waits until something is to be done.
    pub(super) async fn next(&self) -> Job {
        loop {
            if let Some(job) = self.of_room() {
                return job;
            }
            if std::mem::take(&mut self.lock().compare) {
                return Job::Compare;
            }
            self.asked.notified().await;
        }
    }
}

fn room(job: &Job) -> Option<&RoomId> {
    match job {
        Job::Compare => None,
        Job::Added(room) => Some(&room.id),
        Job::Removed(room) => Some(room),
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    #[test]
    fn what_is_asked_often_is_done_once() {
        let jobs = Jobs::default();
        for _ in 0..1_000 {
            jobs.ask(Job::Compare);
            jobs.ask(Job::Removed("a".into()));
            jobs.ask(Job::Removed("b".into()));
        }
        let mut done = Vec::new();
        while let Some(job) = jobs.next().now_or_never() {
            done.push(room(&job).map(ToString::to_string));
        }
        assert_eq!(done, [Some("a".to_owned()), Some("b".to_owned()), None]);
    }
}
