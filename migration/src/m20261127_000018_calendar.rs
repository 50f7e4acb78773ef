//! Moments are in the years 1 to 9999: others have no form that every client reads. Earlier versions took the year 0, and
//! came to later years by adding to others.

macro_rules! within_calendar {
    ($($column:literal)*) => {
        concat!(
            "UPDATE subscriptions SET ",
            $(
                $column, " = CASE WHEN ", $column, " > 253402300799999999 THEN 253402300799999999 WHEN ",
                $column, " < -62135596800000000 THEN -62135596800000000 ELSE ", $column, " END, ",
            )*
            "version = version WHERE false",
            $(" OR ", $column, " NOT BETWEEN -62135596800000000 AND 253402300799999999",)*
            ";\n"
        )
    };
}

crate::step!(
    within_calendar!(
        "starts_at" "trial_started_at" "trial_ends_at" "current_period_start" "current_period_end" "expires_at"
        "cancel_at" "grace_ends_at" "resumes_at" "pending_until" "scheduled_at" "override_ends_at" "access_ends_at"
    ),
    ""
);
