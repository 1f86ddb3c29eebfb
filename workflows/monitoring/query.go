package monitoring

import (
	"fmt"
	"strconv"
)

// arrivedQuery asks whether a cluster's nodes were told of in the last ten
// minutes.
func arrivedQuery(cluster string) string {
	return fmt.Sprintf(`KubeNodeInventory | where ClusterName == %s and TimeGenerated > ago(10m) | summarize Nodes=dcount(Computer), Last=max(TimeGenerated) by ClusterName`, strconv.Quote(cluster))
}

// nodesQuery asks which nodes were told of in the last hour.
func nodesQuery(cluster string) string {
	return fmt.Sprintf(`KubeNodeInventory | where ClusterName == %s and TimeGenerated > ago(1h) | summarize Last=max(TimeGenerated) by Computer`, strconv.Quote(cluster))
}
