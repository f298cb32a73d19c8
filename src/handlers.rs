//! One module per function, same name: a request or event in, domain and store, a reply out.
