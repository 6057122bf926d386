use super::*;

fn plain(printed: &str) -> Result<String, DateFault> {
    read(printed, DateOrder::Untold, Beside::default()).map(|date| date.to_string())
}

#[test]
fn reads_every_style_that_has_one_reading() {
    for (printed, iso) in [
        ("January 05, 2020", "2020-01-05"),
        ("March 20, 2016", "2016-03-20"),
        ("Mon, 10/27/2014 - 12:00", "2014-10-27"),
        ("Fri, 10/10/2014 - 12:00", "2014-10-10"),
        ("2014-01-19", "2014-01-19"),
        ("2014/01/19", "2014-01-19"),
        ("2014-01-19T00:00:00Z", "2014-01-19"),
        ("2014-01-19 06:30:00+05:00", "2014-01-19"),
        ("5 January 2020", "2020-01-05"),
        ("05-Jan-2020", "2020-01-05"),
        ("Sunday, 5th January 2020", "2020-01-05"),
        ("Sept 3, 2015", "2015-09-03"),
        ("27/10/2014", "2014-10-27"),
        ("27.10.2014", "2014-10-27"),
        ("05/05/2020", "2020-05-05"),
        ("20140119", "2014-01-19"),
        ("February 2014", "2014-02"),
        ("2014-02", "2014-02"),
        ("02/2014", "2014-02"),
        ("2014", "2014"),
        ("2016-02-29", "2016-02-29"),
    ] {
        assert_eq!(plain(printed).as_deref(), Ok(iso), "{printed}");
    }
}

#[test]
fn never_guesses() {
    assert_eq!(plain("05/01/2020"), Err(DateFault::Ambiguous));
    for bad in [
        "",
        "43835",
        "19-May-14",
        "05/01/20",
        "2015-02-29",
        "31 June 2015",
        "2020-13-01",
        "yesterday",
        "2020-01-05 25:00",
        "January",
        "0000-01-01",
        "2014-01-19Ta",
        "1/2/3/2014",
        "٢٠٢٠-٠١-٠٥",
        "2020-01-05 to 2020-01-07",
    ] {
        assert_eq!(plain(bad), Err(DateFault::Unreadable), "{bad}");
    }
}

#[test]
fn the_file_the_weekday_or_the_month_decides() {
    let order = DateOrder::default().learn("05/01/2020").learn("January 05, 2020");
    assert_eq!(order, DateOrder::Untold);
    let month_first = order.learn("01/27/2020");
    assert_eq!(month_first, DateOrder::MonthFirst);
    let iso = |order, beside| read("05/01/2020", order, beside).map(|date| date.to_string());
    assert_eq!(iso(month_first, Beside::default()).as_deref(), Ok("2020-05-01"));
    assert_eq!(iso(order.learn("27/01/2020"), Beside::default()).as_deref(), Ok("2020-01-05"));
    assert_eq!(month_first.learn("27/01/2020"), DateOrder::Mixed);
    assert_eq!(iso(DateOrder::Mixed, Beside::default()), Err(DateFault::Ambiguous));
    let may = Beside { month: Some("May"), year: Some("2020") };
    assert_eq!(iso(DateOrder::Untold, may).as_deref(), Ok("2020-05-01"));
    // 5 January 2020 was a Sunday, 1 May 2020 a Friday.
    assert_eq!(plain("Sun, 05/01/2020").as_deref(), Ok("2020-01-05"));
    assert_eq!(plain("Fri, 05/01/2020").as_deref(), Ok("2020-05-01"));
}

#[test]
fn contradictions_are_told() {
    let read = |printed, year, month| read(printed, DateOrder::Untold, Beside { year, month });
    assert!(matches!(read("2020-01-05", Some("2019"), None), Err(DateFault::Contradicted(_))));
    assert!(matches!(
        read("2020-01-05", Some("2020"), Some("Feb")),
        Err(DateFault::Contradicted(_))
    ));
    assert!(matches!(read("Mon, 2020-01-05", None, None), Err(DateFault::Contradicted(_))));
    assert!(read("2020-01-05", Some("2020"), Some("1")).is_ok());
}

#[test]
fn parts_make_partial_dates() {
    assert_eq!(from_parts("2014", Some("February"), None).unwrap().to_string(), "2014-02");
    assert_eq!(from_parts("2014", None, None).unwrap().to_string(), "2014");
    assert_eq!(from_parts("2014", Some("2"), Some("9")).unwrap().to_string(), "2014-02-09");
    assert_eq!(from_parts("2014", Some("2"), Some("30")), Err(DateFault::Unreadable));
    assert_eq!(from_parts("14", None, None), Err(DateFault::Unreadable));
}

proptest::proptest! {
    #[test]
    fn no_text_panics(text in "\\PC{0,70}", numbers in "[0-9/:. T-]{0,30}") {
        for printed in [text, numbers] {
            let order = DateOrder::default().learn(&printed);
            let _date = read(&printed, order, Beside { year: Some("2014"), month: Some(&printed) });
            let _time = is_time(&printed);
        }
    }
}
