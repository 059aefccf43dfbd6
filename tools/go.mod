module github.com/cumulog/cumulog/tools

go 1.26.0
