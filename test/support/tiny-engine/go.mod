module rehab/test/support/tiny-engine

go 1.24
