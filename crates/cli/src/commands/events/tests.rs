use barid_message::header::Kind;
use barid_message::time::Millis;
use barid_proto::audit::v1::Event;
use barid_proto::operations::v1 as pb;
use clap::Parser as _;

use super::{COLUMNS, show};
use crate::args::{Cli, Command};
use crate::output::{Columns, Looks, Output};

#[test]
fn filters_are_what_was_typed() {
    let line = "barid log --agency pk/police --kind alert --outcome handed-over \
                --from 2027-01-15 --to 2027-01-15T08:00:00Z";
    let Command::Log(args) = Cli::parse_from(line.split_whitespace()).command else {
        panic!("log was asked for");
    };
    let filter = args.filter.filter().unwrap();
    assert_eq!(filter.agency, "pk/police");
    assert_eq!(filter.kind(), Kind::Alert);
    assert_eq!(filter.event(), Event::HandedOver);
    assert_eq!(filter.from_time.unwrap().seconds, 1_800_000_000 - 8 * 3_600);
    assert_eq!(filter.to_time, Some(Millis(1_800_000_000_000).to_proto()));
    assert_eq!(filter.message_id, "");
}

#[test]
fn an_event_is_one_line() {
    let record = pb::EventRecord {
        time: Some(Millis(1_800_000_000_007).to_proto()),
        event: Event::Refused.into(),
        reason: 350,
        origin_agency: "pk/customs".into(),
        recipient: "pk/police".into(),
        message_id: "01a3185c-5000-7001-8000-000000000002".into(),
        kind: 14,
        precedence: 4,
        ..pb::EventRecord::default()
    };
    let (mut output, out, _err) = Output::captured(false, Looks::default());
    show(&record, &mut Columns::new(COLUMNS), &mut output).unwrap();
    assert_eq!(
        out.text().lines().last().unwrap(),
        "2027-01-15T08:00:00.007Z  REFUSED              ROUTINE     NOTE      pk/customs          \
         pk/police           01a3185c-5000-7001-8000-000000000002  WRONG_ADDRESSEE"
    );
    let (mut output, out, _err) = Output::captured(true, Looks::default());
    show(&record, &mut Columns::new(COLUMNS), &mut output).unwrap();
    assert_eq!(serde_json::from_str::<pb::EventRecord>(&out.text()).unwrap(), record);
}
