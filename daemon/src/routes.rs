//! Every route there is: one table, with a part for each API.

mod e2e;
mod hem;
mod key_agreement;
mod key_service;
mod pqc;

use crate::route::Route;

/// Every route there is.
pub fn routes() -> Vec<Route> {
    [hem::rows(), pqc::rows(), e2e::rows(), key_agreement::rows(), key_service::rows()]
        .into_iter()
        .flatten()
        .collect()
}

#[cfg(test)]
mod tests {
    use super::routes;

    #[test]
    fn a_failed_self_test_leaves_what_the_specification_lists() {
        let mut served: Vec<_> = routes().into_iter().filter(|row| row.in_failure).collect();
        served.sort_by_key(|row| row.path);
        let paths: Vec<_> = served.iter().map(|row| row.path).collect();
        let expected = ["checkin", "checkin", "reboot", "selftest", "status", "version"];
        let (descriptions, others): (Vec<_>, Vec<_>) =
            paths.into_iter().partition(|path| !path.starts_with("/api/"));
        assert_eq!(others, expected.map(|name| format!("/api/system/{name}")));
        assert_eq!(descriptions, ["/docs", "/openapi.json"]);
    }
}
