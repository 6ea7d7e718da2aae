//! The way of a verification through all files.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use crate::disk;
use crate::node::Flaw;
use crate::node::check::{Node, name_of};
use crate::node::comments::Comments;
use crate::node::following::{Follow, Known, Road};
use crate::reading::{Cause, Lines};
use crate::verify::Check;

impl Node<'_> {
    /// Through all files.
    pub(super) fn walk(
        &mut self,
        directory: &Path,
        known: Known<'_>,
        follow: &mut dyn Follow,
    ) -> Result<(), Flaw> {
        let unreadable = |file: &str, error| Flaw::at(file, 0, Cause::Unreadable(error));
        if let Some(name) = disk::stranger(directory).map_err(|error| unreadable("", error))? {
            return Err(Flaw::at(&name, 0, Cause::Stranger));
        }
        let ids = disk::list(directory).map_err(|error| unreadable("", error))?;
        let visit = known.visit();
        if let Some(visit) = visit {
            self.go_on(visit, &ids)?;
        }
        let mut road = Road::over(directory, &ids, follow);
        for id in ids {
            let file = name_of(id);
            let open = File::open(disk::path_of(directory, id));
            let open = open.map_err(|error| unreadable(&file, error))?;
            match visit {
                Some(visit) if id < visit.at.file => {}
                Some(visit) if id == visit.at.file => {
                    let rest = self.rest(visit, open)?;
                    self.file(id, rest, &mut road)?;
                }
                _ => {
                    self.comments = Comments::default();
                    let lines = Lines::new(BufReader::new(open)).strict();
                    let check = Check::new(self.loggers());
                    self.file(id, (lines, check), &mut road)?;
                }
            }
            road.leave(id);
        }
        Ok(())
    }
}
