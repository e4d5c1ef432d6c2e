package schemas

// MaxItems is for the test that no schema allows more.
const MaxItems = maxItems
