//! Any JSON as the event of a dropped file.

use thuocdo::handlers::import_files;

use crate::world::{CATALOG, World};

pub(crate) fn run(input: &[u8]) {
    let Ok(event) = serde_json::from_slice(input) else {
        return;
    };
    let event = import_files::read_event(event);
    let sheets =
        CATALOG.map(|(sheet, text)| (format!("catalog/da-nang/{sheet}.csv"), text.as_bytes()));
    let mut files: Vec<(String, &[u8])> = sheets.into();
    files.push(("catalog/da-nang/ready".into(), b""));
    files.push(("catalog/da-nang.xlsx".into(), b"PK"));
    files.push(("dossiers/hai-chau.csv".into(), b"code,secret,unit\n"));
    World::with(|world| world.import_event(&files, event));
}
