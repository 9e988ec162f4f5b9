//! Makes the events of the benchmark, the same ones every time, as files.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::Path;
use std::time::{Duration, SystemTime};

use nexmark::EventGenerator;
use nexmark::config::NexmarkConfig;
use nexmark::event::Event;

use crate::events::{self, SCHEMAS, Table};
use crate::{Generate, Result};

/// The time of the first event: 2026-01-01T00:00:00Z, in milliseconds.
const BASE_TIME: u64 = 1_767_225_600_000;

/// The bounded table of `q13`: a word for each key.
const SIDE_INPUT_KEYS: usize = 10_000;

/// Writes the files. Each one is newer than those before it, as a file source reads the oldest first.
pub(crate) fn generate(wanted: &Generate) -> Result<()> {
    for (table, _) in SCHEMAS {
        fs::create_dir_all(wanted.dir.join(table))?;
    }
    side_input(&wanted.dir)?;
    let mut source = Source::new(wanted);
    let files = usize::try_from(wanted.files)?;
    let first = SystemTime::now() - Duration::from_secs(u64::from(wanted.files) + 60);
    for number in 0..files {
        let until = wanted.events * (number + 1) / files;
        let written = first + Duration::from_secs(u64::try_from(number)?);
        for table in source.tables_until(until)? {
            let name = format!("{0}/{0}-{number:03}.{1}", table.name, wanted.format.name());
            let path = wanted.dir.join(name);
            table.write(&path, wanted.format)?;
            File::options().write(true).open(&path)?.set_modified(written)?;
        }
    }
    eprintln!(
        "{} events in {files} files of each table, in {}",
        wanted.events,
        wanted.dir.display()
    );
    Ok(())
}

fn side_input(dir: &Path) -> Result<()> {
    fs::create_dir_all(dir.join("side_input"))?;
    let mut file = BufWriter::new(File::create(dir.join("side_input/side_input.csv"))?);
    writeln!(file, "key,value")?;
    for key in 0..SIDE_INPUT_KEYS {
        writeln!(file, "{key},value-{key}")?;
    }
    Ok(file.flush()?)
}

/// The events in their order, with exact times: the generator's are whole milliseconds.
struct Source {
    events: EventGenerator,
    made: usize,
    rate: i64,
    disorder: usize,
}

impl Source {
    fn new(wanted: &Generate) -> Self {
        let config = NexmarkConfig::default();
        let (rate, disorder) = (wanted.rate as usize, wanted.disorder as usize);
        Self {
            events: EventGenerator::new(NexmarkConfig {
                base_time: BASE_TIME,
                first_rate: rate,
                next_rate: rate,
                out_of_order_group_size: disorder,
                us_states: config
                    .us_states
                    .iter()
                    .map(|state| state.to_uppercase())
                    .collect(),
                ..config
            }),
            made: 0,
            rate: i64::from(wanted.rate),
            disorder,
        }
    }

    /// The time of the next event in microseconds. In a group of `disorder` events the generator takes every 953rd.
    fn time(&self) -> Result<i64> {
        let group = self.made / self.disorder * self.disorder;
        let number = i64::try_from(group + self.made * 953 % self.disorder)?;
        Ok(i64::try_from(BASE_TIME)? * 1000 + number * 1_000_000 / self.rate)
    }

    /// The events from where the last call ended up to this number.
    fn tables_until(&mut self, until: usize) -> Result<[Table; 3]> {
        let [mut bids, mut auctions, mut persons] = SCHEMAS.map(Table::new);
        while self.made < until {
            let time = self.time()?;
            match self.events.next().ok_or("the generator has no more events")? {
                Event::Bid(bid) => bids.push(events::bid(bid, time)),
                Event::Auction(auction) => auctions.push(events::auction(auction, time)),
                Event::Person(person) => persons.push(events::person(person, time)),
            }
            self.made += 1;
        }
        Ok([bids, auctions, persons])
    }
}
