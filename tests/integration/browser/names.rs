//! Names as long as a catalog may make them.

use std::sync::Arc;

use jiff::Timestamp;
use thuocdo::domain::id::UnitId;

use super::{Size, visit};
use crate::fixture::{self, OFFICIAL, UNIT};
use crate::support::{Office, official, satisfied};

#[tokio::test]
async fn a_name_of_200_letters_without_a_space_fits_the_narrowest_screen() {
    let office = Office::open().await;
    let mut catalog = fixture::catalog(1, 1);
    let name = "Phường".chars().cycle().take(200).collect::<String>();
    let entry = catalog
        .units
        .get_mut(&UnitId::parse(UNIT).unwrap())
        .unwrap();
    entry.unit.name.vi.clone_from(&name);
    for official in &mut entry.officials {
        official.name.clone_from(&name);
        official.title.vi.clone_from(&name);
    }
    let stack = &office.stack;
    stack
        .store
        .put_catalog(&catalog, Timestamp::now())
        .await
        .unwrap();
    let slip = office.slip().await;
    for subject in [UNIT.to_owned(), official()] {
        assert_eq!(office.rate(&satisfied(&subject, &slip)).await.status, 201);
    }
    stack.settle().await;

    let paths = Arc::new([
        "/".to_owned(),
        "/danh-gia/don-vi/xa-phuong/".to_owned(),
        "/danh-gia/cong-chuc/xa-phuong/".to_owned(),
        format!("/don-vi/{UNIT}/"),
        format!("/don-vi/{UNIT}/danh-gia/tham-gia/"),
        format!("/don-vi/{UNIT}/can-bo/{OFFICIAL}/"),
        format!("/don-vi/{UNIT}/can-bo/{OFFICIAL}/khong-tham-gia/"),
        "/ket-qua/".to_owned(),
        "/ket-qua/so-lieu/".to_owned(),
        format!("/ket-qua/don-vi/{UNIT}/"),
        format!("/ket-qua/don-vi/{UNIT}/so-lieu/"),
        format!("/ket-qua/don-vi/{UNIT}/cong-chuc/"),
        format!("/ket-qua/don-vi/{UNIT}/kiem-dem/"),
    ]);
    for size in [Size::Narrow, Size::Desktop] {
        let paths = Arc::clone(&paths);
        visit("long-names", &stack.address, size, async move |browser| {
            for path in paths.iter() {
                browser.open(path).await;
                browser.assert_accessible().await;
            }
        })
        .await;
    }
}
