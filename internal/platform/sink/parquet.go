package sink

import (
	"bytes"
	"strings"

	"github.com/parquet-go/parquet-go"

	"github.com/cumulog/cumulog/internal/platform/objstore"
)

// parquetRow is an event as a row of a Parquet file.
type parquetRow struct {
	Timestamp int64             `parquet:"timestamp,timestamp(millisecond),delta"`
	LogGroup  string            `parquet:"log_group,dict"`
	LogStream string            `parquet:"log_stream,dict"`
	Message   string            `parquet:"message"`
	Ingestion int64             `parquet:"ingestion_time,timestamp(millisecond),delta"`
	ID        string            `parquet:"id"`
	Account   string            `parquet:"account,dict"`
	Region    string            `parquet:"region,dict"`
	Fields    map[string]string `parquet:"extracted_fields,optional"`
}

// parquetFormat writes one row group of columns that are compressed with Zstandard.
func parquetFormat() format {
	return format{suffix: ".parquet", metadata: objstore.Metadata{ContentType: "application/vnd.apache.parquet"}, encode: encodeParquet}
}

func encodeParquet(events []Event) ([]byte, error) {
	rows := make([]parquetRow, len(events))
	for i := range events {
		e := &events[i]
		rows[i] = parquetRow{
			Timestamp: e.Timestamp, LogGroup: e.Group, LogStream: e.Stream, Message: strings.ToValidUTF8(string(e.Message), "\uFFFD"),
			Ingestion: e.Ingestion, ID: e.ID, Account: e.Account, Region: e.Region, Fields: fieldMap(e.Fields),
		}
	}
	var out bytes.Buffer
	w := parquet.NewGenericWriter[parquetRow](&out, parquet.Compression(&parquet.Zstd), parquet.CreatedBy("cumulog", "", ""))
	if _, err := w.Write(rows); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}
