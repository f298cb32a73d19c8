//! The machine: tables, citizens, counting processes, a sweeper that seals and people who void, one request at a time.

use stateright::{Model, Property};

/// Months there are: this one, and the next.
const MONTHS: usize = 2;
/// Cells of one month.
const CELLS: usize = 2;

/// Satisfied and not satisfied.
type Cell = [u8; 2];

/// What a citizen wants to say, and about whom: `subject` stands for one receipt and one subject.
#[derive(Debug, Clone, Copy)]
pub(super) struct Claim {
    pub(super) subject: usize,
    pub(super) satisfied: bool,
}

/// Conditions the protocol rests on; a test takes one away to see it missed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rules {
    /// Counting: `attribute_exists(pend)`.
    pub(super) pend_condition: bool,
    /// Submitting: `NOT contains(used, :subject)`.
    pub(super) receipt_condition: bool,
    /// Submitting: `attribute_not_exists(PK)` of the rating.
    pub(super) rating_condition: bool,
    /// Counting: marks and cells in one transaction, not in two.
    pub(super) count_in_one: bool,
    /// Submitting: conditions within the transaction, not a look before it.
    pub(super) submit_in_one: bool,
    /// Reconciling: cells are read again after the ratings.
    pub(super) second_cell_read: bool,
    /// Voiding: `attribute_not_exists(void)`.
    pub(super) void_condition: bool,
    /// Voiding: the mark and the void counters in one transaction, not in two.
    pub(super) void_in_one: bool,
    /// Sealing: only when no request of the month can be on its way any more.
    pub(super) seal_waits: bool,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            pend_condition: true,
            receipt_condition: true,
            rating_condition: true,
            count_in_one: true,
            submit_in_one: true,
            second_cell_read: true,
            void_condition: true,
            void_in_one: true,
            seal_waits: true,
        }
    }
}

/// How many of everything there are, and by which rules they play.
#[derive(Debug, Clone, Default)]
pub(super) struct Protocol {
    pub(super) clients: Vec<Claim>,
    pub(super) cell_of_subject: Vec<usize>,
    /// Times a citizen sends; a later attempt does not wait for the end of an earlier one.
    pub(super) attempts: u8,
    pub(super) consumers: usize,
    pub(super) sweeper: bool,
    /// Processes that carry out voids.
    pub(super) voiders: usize,
    /// Whose ratings two people want set aside.
    pub(super) voidable: Vec<usize>,
    /// Whether the month may turn, once, at any time.
    pub(super) midnight: bool,
    /// Whether others may write between two items of one query.
    pub(super) reads_item_by_item: bool,
    pub(super) rules: Rules,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct State {
    /// The month the clock shows.
    month: usize,
    /// By subject: whether the receipt has rated it.
    used: Vec<bool>,
    /// By subject and month.
    ratings: Vec<[Option<Stored>; MONTHS]>,
    /// By month.
    cells: [[Cell; CELLS]; MONTHS],
    /// Void counters, by month.
    voids: [[Cell; CELLS]; MONTHS],
    /// By month: the ratings it held when it was sealed.
    seals: [Option<Images>; MONTHS],
    clients: Vec<Client>,
    /// In order of their state: which of them is which makes no difference.
    consumers: Vec<Counting>,
    /// In order of their state.
    voiders: Vec<Voider>,
    sweeper: Sweeper,
    /// Whether reconciling ever found cells and ratings to differ.
    alarm: bool,
    /// Whether an answer other than a success was ever given without a rating behind it.
    lied: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Stored {
    satisfied: bool,
    pending: bool,
    /// Times it was added to its cell, at most 2; no process can see this.
    counted: u8,
    void: bool,
    /// Times it was added to the void counters, at most 2.
    voided: u8,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Client {
    sent: u8,
    /// Requests on their way, in order of their state.
    attempts: Vec<Attempt>,
    answer: Option<Answer>,
}

/// A request the server works on, with the month it arrived in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Attempt {
    /// Looks whether the receipt is free; only where the rules look first.
    Look(usize),
    /// About to send the transaction.
    Write(usize),
    /// Refused; about to read the rating back.
    ReadBack(usize),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Answer {
    Saved,
    SavedBefore,
    AlreadyRated,
}

/// Images of ratings: a bit for each subject, month and verdict.
type Images = u16;

/// A process in `count`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
struct Counting {
    /// Still to be counted; none while idle.
    chunk: Images,
    /// Marks removed and cells not yet added to; only where the rules count in two.
    marked: Images,
}

/// A process in `void`, with the rating it is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Voider {
    Idle,
    /// About to send the transaction.
    Write(usize, usize),
    /// The mark is set and the counters are not yet added to; only where the rules void in two.
    Marked(usize, usize),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Sweeper {
    Idle,
    Reading {
        month: usize,
        /// The next item of: cells, ratings, cells.
        item: u8,
        before: [(Cell, Cell); CELLS],
        counted: Images,
        pending: Images,
        voided: Images,
        /// Whether the month was closed before the first read.
        closed: bool,
    },
    Counting(Counting),
    /// About to put the seal.
    Sealing {
        month: usize,
        ratings: Images,
    },
}

/// Who counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Counter {
    Consumer(usize),
    Sweeper,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Action {
    Midnight,
    Send {
        client: usize,
    },
    /// The server's next request; `heard` is whether its reply arrives.
    Serve {
        client: usize,
        attempt: usize,
        heard: bool,
    },
    /// The server dies, or its answer is lost on the way to the citizen.
    Drop {
        client: usize,
        attempt: usize,
    },
    /// The stream delivers, for the first time or again.
    Deliver {
        consumer: usize,
        images: Images,
    },
    /// The next transaction of `count`.
    Count {
        counter: Counter,
        heard: bool,
    },
    Die {
        counter: Counter,
    },
    Sweep {
        month: usize,
    },
    /// The sweeper's next read.
    Read,
    /// The sweeper puts the seal, if there is none.
    Seal {
        heard: bool,
    },
    /// A process reads a rating that is to be set aside.
    Void {
        voider: usize,
        subject: usize,
        month: usize,
    },
    /// Its transaction.
    WriteVoid {
        voider: usize,
        heard: bool,
    },
    DieVoiding {
        voider: usize,
    },
}

impl Model for Protocol {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        let client = Client {
            sent: 0,
            attempts: Vec::new(),
            answer: None,
        };
        vec![State {
            month: 0,
            used: vec![false; self.cell_of_subject.len()],
            ratings: vec![[None; MONTHS]; self.cell_of_subject.len()],
            cells: Default::default(),
            voids: Default::default(),
            seals: [None; MONTHS],
            clients: vec![client; self.clients.len()],
            consumers: vec![Counting::default(); self.consumers],
            voiders: vec![Voider::Idle; self.voiders],
            sweeper: Sweeper::Idle,
            alarm: false,
            lied: false,
        }]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        if self.midnight && state.month == 0 {
            actions.push(Action::Midnight);
        }
        for (client, of) in state.clients.iter().enumerate() {
            if of.answer.is_none() && of.sent < self.attempts {
                actions.push(Action::Send { client });
            }
            for attempt in 0..of.attempts.len() {
                actions.push(Action::Drop { client, attempt });
                for heard in [true, false] {
                    actions.push(Action::Serve {
                        client,
                        attempt,
                        heard,
                    });
                }
            }
        }
        let images = state.images(|_| true);
        for (consumer, counting) in state.consumers.iter().enumerate() {
            if *counting == Counting::default() {
                let mut batch = images;
                while batch != 0 {
                    actions.push(Action::Deliver {
                        consumer,
                        images: batch,
                    });
                    batch = (batch - 1) & images;
                }
            } else {
                actions.extend(counting_actions(Counter::Consumer(consumer)));
            }
        }
        match state.sweeper {
            Sweeper::Idle if self.sweeper => {
                actions.extend((0..=state.month).map(|month| Action::Sweep { month }))
            }
            Sweeper::Idle => {}
            Sweeper::Reading { .. } => actions.extend([
                Action::Read,
                Action::Die {
                    counter: Counter::Sweeper,
                },
            ]),
            Sweeper::Counting(_) => actions.extend(counting_actions(Counter::Sweeper)),
            Sweeper::Sealing { .. } => actions.extend([
                Action::Seal { heard: true },
                Action::Seal { heard: false },
                Action::Die {
                    counter: Counter::Sweeper,
                },
            ]),
        }
        for (voider, voiding) in state.voiders.iter().enumerate() {
            if *voiding == Voider::Idle {
                let places = self.voidable.iter();
                let places = places.flat_map(|subject| (0..MONTHS).map(|month| (*subject, month)));
                actions.extend(places.map(|(subject, month)| Action::Void {
                    voider,
                    subject,
                    month,
                }));
            } else {
                actions.extend([true, false].map(|heard| Action::WriteVoid { voider, heard }));
                actions.push(Action::DieVoiding { voider });
            }
        }
    }

    fn next_state(&self, last: &State, action: Action) -> Option<State> {
        let mut state = last.clone();
        match action {
            Action::Midnight => state.month = 1,
            Action::Send { client } => {
                let month = state.month;
                let client = &mut state.clients[client];
                client.sent += 1;
                client.attempts.push(if self.rules.submit_in_one {
                    Attempt::Write(month)
                } else {
                    Attempt::Look(month)
                });
            }
            Action::Serve {
                client,
                attempt,
                heard,
            } => self.serve(&mut state, client, attempt, heard),
            Action::Drop { client, attempt } => {
                state.clients[client].attempts.remove(attempt);
            }
            Action::Deliver { consumer, images } => {
                state.consumers[consumer] = Counting {
                    chunk: images,
                    marked: 0,
                };
            }
            Action::Count { counter, heard } => {
                let after = self.count(&mut state, counter.of(last));
                if heard {
                    counter.put(&mut state, after);
                }
            }
            Action::Die { counter } => counter.put(&mut state, Counting::default()),
            Action::Sweep { month } => {
                state.sweeper = Sweeper::Reading {
                    closed: self.is_closed(last, month),
                    month,
                    item: 0,
                    before: Default::default(),
                    counted: 0,
                    pending: 0,
                    voided: 0,
                };
            }
            Action::Read => self.read(&mut state),
            Action::Seal { heard } => {
                if let Sweeper::Sealing { month, ratings } = state.sweeper {
                    state.seals[month].get_or_insert(ratings);
                    if heard {
                        state.sweeper = Sweeper::Idle;
                    }
                }
            }
            Action::Void {
                voider,
                subject,
                month,
            } => {
                let found = state.ratings[subject][month];
                if found.is_some_and(|stored| !stored.pending && !stored.void) {
                    state.voiders[voider] = Voider::Write(subject, month);
                }
            }
            Action::WriteVoid { voider, heard } => self.void(&mut state, voider, heard),
            Action::DieVoiding { voider } => state.voiders[voider] = Voider::Idle,
        }
        state.consumers.sort_unstable();
        state.voiders.sort_unstable();
        for client in &mut state.clients {
            client.attempts.sort_unstable();
        }
        (state != *last).then_some(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always(CELLS_EQUAL_RATINGS, |protocol: &Self, state: &State| {
                state.cells == protocol.fold(state.images(|stored| !stored.pending))
            }),
            Property::always(VOIDS_EQUAL_MARKS, |protocol: &Self, state: &State| {
                state.voids == protocol.fold(state.images(|stored| stored.void))
            }),
            Property::always(VOIDED_ONCE, |_, state: &State| {
                state.stored().all(|stored| stored.voided <= 1)
            }),
            Property::always(SEALED_STAYS, |_, state: &State| {
                let all = state.images(|_| true);
                let of_month = |month: usize| of_month(all, month);
                (0..MONTHS)
                    .all(|month| state.seals[month].is_none_or(|seal| seal == of_month(month)))
            }),
            Property::always(COUNTED_ONCE, |_, state: &State| {
                state.stored().all(|stored| stored.counted <= 1)
            }),
            Property::always(NEVER_LOST, |protocol: &Self, state: &State| {
                let mut clients = state.clients.iter().zip(&protocol.clients);
                clients.all(|(client, claim)| {
                    let told_saved =
                        matches!(client.answer, Some(Answer::Saved | Answer::SavedBefore));
                    let of_claim = &mut state.ratings[claim.subject].iter().flatten();
                    !told_saved || of_claim.any(|stored| stored.satisfied == claim.satisfied)
                })
            }),
            Property::always(RATED_ONCE, |_, state: &State| {
                let of_subject =
                    |ratings: &[Option<Stored>; MONTHS]| ratings.iter().flatten().count();
                state.ratings.iter().all(|ratings| of_subject(ratings) <= 1)
            }),
            Property::always(TRUTHFUL, |_, state: &State| !state.lied),
            Property::always(NO_FALSE_ALARM, |_, state: &State| !state.alarm),
            Property::always(SWEPT_CLEAN, |protocol: &Self, state: &State| {
                let swept = protocol.swept(state.clone());
                swept.stored().all(|stored| !stored.pending)
                    && swept.cells == protocol.fold(swept.images(|_| true))
            }),
            Property::sometimes(
                "all are told saved and counted",
                |protocol: &Self, state: &State| {
                    state.clients.iter().all(|client| client.answer.is_some())
                        && protocol.fold(state.images(|_| true)) == state.cells
                        && state.stored().count() > 0
                },
            ),
            Property::sometimes(
                "a rating is set aside in a sealed month",
                |protocol: &Self, state: &State| {
                    protocol.voidable.is_empty()
                        || (state.seals[0].is_some_and(|seal| seal != 0)
                            && state
                                .ratings
                                .iter()
                                .any(|months| months[0].is_some_and(|stored| stored.void)))
                },
            ),
            Property::sometimes(
                "a rating is counted that nobody was told of",
                |_, state: &State| {
                    state.clients.iter().all(|client| client.answer.is_none())
                        && state.stored().any(|stored| stored.counted == 1)
                },
            ),
        ]
    }
}

/// `cells == fold(ratings without pend)`.
pub(super) const CELLS_EQUAL_RATINGS: &str = "cells are the fold of the counted ratings";
/// Void counters are the fold of the ratings marked as set aside.
pub(super) const VOIDS_EQUAL_MARKS: &str = "void counters are the fold of the ratings set aside";
/// Seen from outside, as well.
pub(super) const VOIDED_ONCE: &str = "no rating is set aside twice";
/// Voids change no seal: a rating set aside stays within it.
pub(super) const SEALED_STAYS: &str = "a sealed month holds what it held";
/// Seen from outside: no process knows how often.
pub(super) const COUNTED_ONCE: &str = "no rating is counted twice";
/// Whoever was told "saved" finds that very rating, whatever happens later.
pub(super) const NEVER_LOST: &str = "an acknowledged rating is never lost";
/// Also across the turn of the month, which gives a rating another key.
pub(super) const RATED_ONCE: &str = "a receipt rates a subject at most once";
/// "Already rated" is said only where there is a rating.
pub(super) const TRUTHFUL: &str = "nobody is told of a rating there is not";
/// Reconciling while others count finds nothing amiss.
pub(super) const NO_FALSE_ALARM: &str = "reconciling raises no false alarm";
/// From every state, one sweep that nobody disturbs leaves no rating pending.
pub(super) const SWEPT_CLEAN: &str = "a sweep leaves nothing pending";

fn counting_actions(counter: Counter) -> [Action; 3] {
    [
        Action::Count {
            counter,
            heard: true,
        },
        Action::Count {
            counter,
            heard: false,
        },
        Action::Die { counter },
    ]
}

impl Counter {
    fn of(self, state: &State) -> Counting {
        match (self, state.sweeper) {
            (Self::Consumer(consumer), _) => state.consumers[consumer],
            (Self::Sweeper, Sweeper::Counting(counting)) => counting,
            (Self::Sweeper, _) => Counting::default(),
        }
    }

    fn put(self, state: &mut State, counting: Counting) {
        match self {
            Self::Consumer(consumer) => state.consumers[consumer] = counting,
            Self::Sweeper if counting == Counting::default() => state.sweeper = Sweeper::Idle,
            Self::Sweeper => state.sweeper = Sweeper::Counting(counting),
        }
    }
}

impl State {
    fn stored(&self) -> impl Iterator<Item = &Stored> {
        self.ratings.iter().flatten().flatten()
    }

    /// The stored ratings that `wanted` picks.
    fn images(&self, wanted: impl Fn(&Stored) -> bool) -> Images {
        let mut images = 0;
        for (subject, months) in self.ratings.iter().enumerate() {
            for (month, stored) in months.iter().enumerate() {
                if let Some(stored) = stored.filter(|stored| wanted(stored)) {
                    images |= image(subject, month, stored.satisfied);
                }
            }
        }
        images
    }
}

fn image(subject: usize, month: usize, satisfied: bool) -> Images {
    1 << (subject * 4 + month * 2 + usize::from(satisfied))
}

/// Those of `month`.
fn of_month(images: Images, month: usize) -> Images {
    let of = each(images).filter(|(_, of, _)| *of == month);
    of.fold(0, |images, (subject, month, satisfied)| {
        images | image(subject, month, satisfied)
    })
}

/// Subject, month and verdict of each image.
fn each(images: Images) -> impl Iterator<Item = (usize, usize, bool)> {
    let bits = (0..Images::BITS as usize).filter(move |bit| images >> bit & 1 == 1);
    bits.map(|bit| (bit / 4, bit / 2 % 2, bit % 2 == 1))
}

impl Protocol {
    fn fold(&self, images: Images) -> [[Cell; CELLS]; MONTHS] {
        let mut cells = [[[0; 2]; CELLS]; MONTHS];
        for (subject, month, satisfied) in each(images) {
            cells[month][self.cell_of_subject[subject]][usize::from(satisfied)] += 1;
        }
        cells
    }

    /// `Store::submit`, up to the next request.
    fn serve(&self, state: &mut State, client: usize, attempt: usize, heard: bool) {
        let claim = self.clients[client];
        let subject = claim.subject;
        let mut answer = None;
        let next = match state.clients[client].attempts[attempt] {
            Attempt::Look(month) if state.used[subject] => Attempt::ReadBack(month),
            Attempt::Look(month) => Attempt::Write(month),
            Attempt::Write(month) => {
                let place = &mut state.ratings[subject][month];
                let conditions = self.rules.submit_in_one;
                let refused = conditions
                    && (self.rules.receipt_condition && state.used[subject]
                        || self.rules.rating_condition && place.is_some());
                if !refused {
                    state.used[subject] = true;
                    *place = Some(Stored {
                        satisfied: claim.satisfied,
                        pending: true,
                        counted: 0,
                        void: false,
                        voided: 0,
                    });
                    answer = Some(Answer::Saved);
                }
                if refused {
                    Attempt::ReadBack(month)
                } else {
                    Attempt::Write(month)
                }
            }
            Attempt::ReadBack(month) => {
                let (this, last) = (state.ratings[subject][month], month.checked_sub(1));
                let found = this.or_else(|| state.ratings[subject][last?]);
                answer = Some(match found {
                    Some(stored) if stored.satisfied == claim.satisfied => Answer::SavedBefore,
                    _ => Answer::AlreadyRated,
                });
                Attempt::ReadBack(month)
            }
        };
        let told = &mut state.clients[client];
        match answer {
            // A reply that is not heard leaves the request where it was: to be tried again, or dropped.
            _ if !heard => {}
            None => told.attempts[attempt] = next,
            Some(answer) => {
                told.attempts.remove(attempt);
                told.answer.get_or_insert(answer);
                state.lied |= state.ratings[subject].iter().flatten().count() == 0;
            }
        }
    }

    /// `Store::count_chunk`, one transaction; what is left to do.
    fn count(&self, state: &mut State, counting: Counting) -> Counting {
        if counting.marked != 0 {
            self.add(state, counting.marked);
            return Counting {
                marked: 0,
                ..counting
            };
        }
        let mut refused = 0;
        for (subject, month, satisfied) in each(counting.chunk) {
            if self.rules.pend_condition
                && state.ratings[subject][month].is_none_or(|stored| !stored.pending)
            {
                refused |= image(subject, month, satisfied);
            }
        }
        if refused != 0 {
            return Counting {
                chunk: counting.chunk & !refused,
                marked: 0,
            };
        }
        for (subject, month, _) in each(counting.chunk) {
            if let Some(stored) = &mut state.ratings[subject][month] {
                stored.pending = false;
            }
        }
        if self.rules.count_in_one {
            self.add(state, counting.chunk);
            return Counting::default();
        }
        Counting {
            chunk: 0,
            marked: counting.chunk,
        }
    }

    fn add(&self, state: &mut State, images: Images) {
        for (subject, month, satisfied) in each(images) {
            state.cells[month][self.cell_of_subject[subject]][usize::from(satisfied)] += 1;
            if let Some(stored) = &mut state.ratings[subject][month] {
                stored.counted = (stored.counted + 1).min(2);
            }
        }
    }

    /// `Store::void`, its transaction.
    fn void(&self, state: &mut State, voider: usize, heard: bool) {
        let (subject, month, next) = match state.voiders[voider] {
            Voider::Idle => return,
            Voider::Write(subject, month) => {
                let Some(stored) = &mut state.ratings[subject][month] else {
                    return;
                };
                if stored.pending || (self.rules.void_condition && stored.void) {
                    // Refused: somebody else was faster.
                    if heard {
                        state.voiders[voider] = Voider::Idle;
                    }
                    return;
                }
                stored.void = true;
                let next = match self.rules.void_in_one {
                    true => Voider::Idle,
                    false => Voider::Marked(subject, month),
                };
                (subject, month, next)
            }
            Voider::Marked(subject, month) => (subject, month, Voider::Idle),
        };
        if next == Voider::Idle {
            let cell = self.cell_of_subject[subject];
            if let Some(stored) = &mut state.ratings[subject][month] {
                state.voids[month][cell][usize::from(stored.satisfied)] += 1;
                stored.voided = (stored.voided + 1).min(2);
                // More than two are as wrong as two, and would have no end.
                let most = self.clients.len() as u8 + 1;
                let counter = &mut state.voids[month][cell][usize::from(stored.satisfied)];
                *counter = (*counter).min(most);
            }
        }
        if heard {
            state.voiders[voider] = next;
        }
    }

    /// `reconcile-tallies`, whether it may seal `month`.
    fn is_closed(&self, state: &State, month: usize) -> bool {
        let on_its_way = |attempt: &Attempt| match attempt {
            Attempt::Look(of) | Attempt::Write(of) => *of == month,
            Attempt::ReadBack(_) => false,
        };
        let mut attempts = state.clients.iter().flat_map(|client| &client.attempts);
        state.month > month && !(self.rules.seal_waits && attempts.any(on_its_way))
    }

    /// `Store::reconcile`, one read: of an item where anybody may write between two, else of all of them.
    fn read(&self, state: &mut State) {
        let Sweeper::Reading {
            month,
            item,
            mut before,
            mut counted,
            mut pending,
            mut voided,
            closed,
        } = state.sweeper
        else {
            return;
        };
        let ratings = self.cell_of_subject.len();
        let (cells_end, ratings_end) = (CELLS, CELLS + ratings);
        let end = ratings_end
            + if self.rules.second_cell_read {
                CELLS
            } else {
                0
            };
        let mut item = usize::from(item);
        let stop = if self.reads_item_by_item {
            item + 1
        } else if item < cells_end {
            cells_end
        } else if item < ratings_end {
            ratings_end
        } else {
            end
        };
        while item < stop {
            if item < cells_end {
                before[item] = (state.cells[month][item], state.voids[month][item]);
            } else if item < ratings_end {
                let subject = item - cells_end;
                if let Some(stored) = state.ratings[subject][month] {
                    let image = image(subject, month, stored.satisfied);
                    *(if stored.pending {
                        &mut pending
                    } else {
                        &mut counted
                    }) |= image;
                    if stored.void {
                        voided |= image;
                    }
                }
            } else if before[item - ratings_end]
                != (
                    state.cells[month][item - ratings_end],
                    state.voids[month][item - ratings_end],
                )
            {
                state.sweeper = Sweeper::Idle;
                return;
            }
            item += 1;
        }
        state.sweeper = if item < end {
            Sweeper::Reading {
                month,
                item: item as u8,
                before,
                counted,
                pending,
                voided,
                closed,
            }
        } else if self.fold(counted)[month] != before.map(|(cell, _)| cell)
            || self.fold(voided)[month] != before.map(|(_, void)| void)
            || state.seals[month].is_some_and(|seal| seal != counted | pending)
        {
            state.alarm = true;
            Sweeper::Idle
        } else if pending == 0 {
            match state.seals[month] {
                None if closed && counted != 0 => Sweeper::Sealing {
                    month,
                    ratings: counted,
                },
                _ => Sweeper::Idle,
            }
        } else {
            Sweeper::Counting(Counting {
                chunk: pending,
                marked: 0,
            })
        };
    }

    /// The state after a sweep of both months that nobody disturbs.
    fn swept(&self, mut state: State) -> State {
        for month in 0..MONTHS {
            state.sweeper = Sweeper::Reading {
                closed: false,
                month,
                item: 0,
                before: Default::default(),
                counted: 0,
                pending: 0,
                voided: 0,
            };
            loop {
                match state.sweeper {
                    Sweeper::Idle | Sweeper::Sealing { .. } => break,
                    Sweeper::Reading { .. } => self.read(&mut state),
                    Sweeper::Counting(counting) => {
                        let after = self.count(&mut state, counting);
                        Counter::Sweeper.put(&mut state, after);
                    }
                }
            }
        }
        state
    }
}
