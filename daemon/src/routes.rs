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
    use policies::Door;

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

    /// Who shows no token is counted wherever his refusals are entered, of the HEM API as 503; who shows
    /// one, where something is kept for him or costs much.
    #[test]
    fn what_is_counted_may_be_429_and_nothing_else_is() {
        let counted = [
            "/api/token/new",
            "/rest/accounts",
            "/rest/accounts/password",
            "/security/e2e/key",
            "/v1/security/e2e/key",
            "/v1/security/e2eData",
            "/v1/security/e2eKey",
        ];
        for row in routes() {
            let counts = match row.door {
                Door::Bearer => row.log.tells_refusals() && counted.contains(&row.path),
                Door::Conditional | Door::Open => row.log.tells_refusals(),
            };
            let expected = counts && row.surface.name() != "hem";
            assert_eq!(row.statuses.contains(&429), expected, "{} {}", row.method, row.path);
        }
    }
}
